/* The one script that pages load. Each behaviour is a module of its own; without any of them the page works. */

import { startComposer } from "./composer.js";
import { startForms } from "./forms.js";
import { startLive } from "./live.js";
import { showOwn } from "./own.js";
import { startTimes } from "./time.js";

for (const start of [startTimes, showOwn, startForms, startComposer, startLive]) {
  try {
    start();
  } catch (failure) {
    // One broken behaviour must not take the others along.
    console.error(failure);
  }
}
