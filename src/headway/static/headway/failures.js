// Why a way to the server didn't work.

/** This way doesn't work now; others may. `answered`: the server is there, it only said no, for so many ms. */
export class Failure extends Error {
  constructor(why, { answered = false, pause = 0 } = {}) {
    super(why);
    this.answered = answered;
    this.pause = pause;
  }
}

/** The server doesn't let this caller follow, by any way. `code`: "signed-out", "gone" or "refused". */
export class Refused extends Error {
  name = "Refused";

  constructor(code, why) {
    super(why);
    this.code = code;
  }
}
