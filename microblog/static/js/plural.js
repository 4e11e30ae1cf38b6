/* "3 new posts" in any language: the server has written the text for one number of every plural category:
   the script finds the number that counts alike, and puts the true one in. */

import { once } from "./once.js";

const SAMPLES = [0, 1, 2, 3, 5, 6, 11, 20, 100];
const language = document.documentElement.lang || "en";
const rules = once(() => new Intl.PluralRules(language));
const numbers = once(() => new Intl.NumberFormat(language));

function alike(count) {
  if (SAMPLES.includes(count)) return count;
  const category = rules().select(count);
  return SAMPLES.findLast((sample) => rules().select(sample) === category) ?? 100;
}

/** The text of `element`'s attributes `data-<name>-<number>` that fits `count`. */
export function phrase(element, name, count) {
  const text = element.getAttribute(`data-${name}-${alike(count)}`) ?? "{n}";
  return text.replace("{n}", numbers().format(count));
}

export function number(count) {
  return numbers().format(count);
}
