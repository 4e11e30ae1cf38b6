/* What the reader is told while a page is open: one current word under each name, by the socket or, without
   one, by asking every 10 seconds. Only the latest word under a name counts.

     onNotification("task_progress", (data, timestamp) => { … });

   The handler hears every word that is newer than the page, in order, once, in every open tab. What was said
   before the page was made is not repeated: the page itself shows that. Names without a handler are skipped. */

const handlers = new Map();
const latest = new Map();
/** When the last word was said that the page knew as it was made, in seconds. */
const begun = Number(document.querySelector('meta[name="notified"]')?.content ?? 0);
/** The newest word heard so far, whether anybody here cares for it or not. */
let since = begun;

export function onNotification(name, handler) {
  handlers.set(name, [...(handlers.get(name) ?? []), handler]);
}

/** Takes a word, wherever it comes from; one that is known, or older than what is known, is nothing new. */
export function hear({ name, data, timestamp }) {
  if (timestamp <= (latest.get(name) ?? begun)) return;
  latest.set(name, timestamp);
  since = Math.max(since, timestamp);
  for (const handler of handlers.get(name) ?? []) handler(data, timestamp);
}

/** Asks for what is new. False: nobody is signed in any more. */
export async function ask() {
  let words = [];
  try {
    const answer = await fetch(`/notifications?since=${since}`, {
      headers: { Accept: "application/json" },
      cache: "no-store",
    });
    if (answer.status === 401) return false;
    if (answer.ok) words = await answer.json();
  } catch {
    // The server is away; the next time will do.
  }
  words.forEach(hear);
  return true;
}
