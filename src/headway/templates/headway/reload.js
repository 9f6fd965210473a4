// Loads the page anew where its other scripts didn't come: nobody serves the static files, or the browser is old.
// The application itself sends this one.
const { seconds } = document.currentScript.dataset;
addEventListener("load", () => {
  setTimeout(() => {
    if (document.querySelector("headway-run:not(:defined), headway-runs:not(:defined)")) location.reload();
  }, seconds * 1000);
});
