// Parts of a page that only the server can say (lists of failures, lists of runs) are fetched anew, in place.

let underWay = null;
let next = null; // the one behind it

/**
 * Replace every `[data-refresh]` by what the server says now; one that has the focus, as soon as it has lost it. Asked
 * while it is under way, however often, it happens once more. Gives whether the server has answered.
 */
export function refresh() {
  if (!underWay) return (underWay = replaceAll().finally(() => (underWay = null)));
  next ??= underWay.then(() => {
    next = null;
    return refresh();
  });
  return next;
}

/** Afterwards the document hears "headway:refreshed". */
async function replaceAll() {
  try {
    const fresh = await fetchPage();
    if (!fresh) return false;
    for (const place of document.querySelectorAll("[data-refresh]")) replace(place, fresh.getElementById(place.id));
    document.dispatchEvent(new Event("headway:refreshed"));
    return true;
  } catch {
    return false; // what is shown stays
  }
}

async function fetchPage() {
  if (!document.querySelector("[data-refresh]")) return null;
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!response.ok || response.redirected) return null;
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

function replace(place, now) {
  if (!now) return;
  if (place.contains(document.activeElement)) place.addEventListener("focusout", onFocusOut);
  else place.replaceWith(withOpen(document.importNode(now, true), place));
}

/** What was folded out stays so. */
function withOpen(now, before) {
  const folded = before.querySelectorAll("details");
  now.querySelectorAll("details").forEach((each, at) => (each.open = folded[at]?.open ?? each.open));
  return now;
}

function onFocusOut({ currentTarget, relatedTarget }) {
  if (currentTarget.contains(relatedTarget)) return;
  currentTarget.removeEventListener("focusout", onFocusOut);
  refresh();
}
