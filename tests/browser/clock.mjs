// The clock of one house. The server is the program that people run, so nothing in it can be told the time; libfaketime
// stands between it and the system instead. The house's clock runs as fast as the machine's, from whatever instant a
// test likes, and is moved forward by rewriting one small file that each look at the clock reads. Only the calendar is
// moved: what the program measures with the clock that never steps stays as it is.

import { existsSync, readdirSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

const LIBRARY = "faketime/libfaketimeMT.so.1";

function library() {
  const places = readdirSync("/usr/lib").map((folder) => join("/usr/lib", folder, LIBRARY));
  const found = places.find((place) => existsSync(place));
  if (!found) throw new Error("libfaketime is missing: scripts/need faketime");
  return found;
}

/** `{ days, hours, minutes, seconds }` in milliseconds. */
export function milliseconds({ days = 0, hours = 0, minutes = 0, seconds = 0 }) {
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

/** The machine's clock, which nobody moves: that of a house for which no other was asked. */
export const machineClock = { now: () => Date.now(), environment: {} };

export class MovedClock {
  #file;
  #seconds;

  /** A clock that shows `instant` (RFC 3339) now; it keeps its file in `directory`. */
  static async at(instant, directory) {
    const clock = new MovedClock();
    clock.#file = join(directory, "clock");
    await clock.#move(Math.round((Date.parse(instant) - Date.now()) / 1000));
    return clock;
  }

  /** What the house takes for now, in milliseconds as `Date.now()` gives them. */
  now() {
    return Date.now() + this.#seconds * 1000;
  }

  /** Moves it forward, in whole seconds: `{ days, hours, minutes, seconds }`. */
  async advance(span) {
    await this.#move(this.#seconds + Math.ceil(milliseconds(span) / 1000));
  }

  /** Moves it forward to `instant`; `before` is a span to keep off it. */
  async advanceTo(instant, before = {}) {
    const ahead = Date.parse(instant) - milliseconds(before) - this.now();
    if (ahead < 0) throw new Error(`${instant} has passed: the clock never goes back`);
    await this.advance({ seconds: ahead / 1000 });
  }

  /** What a process needs in its environment to live by this clock. */
  get environment() {
    return {
      LD_PRELOAD: library(),
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    };
  }

  // Written beside and renamed, so that nobody reads half a number.
  async #move(seconds) {
    await writeFile(`${this.#file}.next`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    await rename(`${this.#file}.next`, this.#file);
    this.#seconds = seconds;
  }
}
