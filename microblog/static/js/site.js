/* The one script that pages load. Each behaviour is a module of its own; without any of them the page works. */

import { startBadge } from "./badge.js";
import { startComposer } from "./composer.js";
import { startConversation } from "./conversation.js";
import { startForms } from "./forms.js";
import { startLive } from "./live.js";
import { showOwn } from "./own.js";
import { startPopups } from "./popup.js";
import { startSearch } from "./search.js";
import { startTasks } from "./tasks.js";
import { formats, startTimes } from "./time.js";
import { startTranslations } from "./translate.js";

const behaviours = [
  ...formats,
  startTimes,
  showOwn,
  startForms,
  startComposer,
  startBadge,
  startConversation,
  startPopups,
  startTasks,
  startTranslations,
  // After those who listen to it.
  startLive,
  startSearch,
];

// Before each of them the page may answer: on a slow computer all together take a moment.
const pause = () => (window.scheduler?.yield ? scheduler.yield() : new Promise((done) => setTimeout(done)));

async function startAll() {
  for (const start of behaviours) {
    await pause();
    try {
      start();
    } catch (failure) {
      // One broken behaviour must not take the others along.
      console.error(failure);
    }
  }
}

startAll();
