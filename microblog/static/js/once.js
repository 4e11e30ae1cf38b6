/* What is made when it is first asked for: formatters take the browser some milliseconds each the first time. */

export function once(make) {
  let made;
  return () => (made ??= make());
}
