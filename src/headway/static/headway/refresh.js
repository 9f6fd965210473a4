// Parts of a page that only the server can say (lists of failures, lists of runs) are fetched anew, in place.

let underWay = null;

/** Replace every `[data-refresh]` by what the server says now. Asked while it is under way, it happens once more. */
export function refresh() {
  underWay = (underWay ?? Promise.resolve()).then(replace).catch(() => {}); // what is shown stays
  return underWay;
}

async function replace() {
  const places = document.querySelectorAll("[data-refresh]");
  if (!places.length) return;
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!response.ok || response.redirected) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const place of places) {
    const next = fresh.getElementById(place.id);
    if (next && !place.contains(document.activeElement)) place.replaceWith(document.importNode(next, true));
  }
}
