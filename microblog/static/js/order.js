/* The order of the rows, which is the server's: newest first by date, and by id within one moment. */

export const idOf = (row) => Number(row.dataset.postId);

/* All dates are written alike, in UTC, so that they compare as text. */
const dateOf = (row) => row.querySelector(".post-when time").dateTime;

export function isOlder(row, other) {
  const [date, otherDate] = [dateOf(row), dateOf(other)];
  return date === otherDate ? idOf(row) < idOf(other) : date < otherDate;
}

export function newestFirst(rows) {
  return [...rows].sort((a, b) => (isOlder(a, b) ? 1 : -1));
}
