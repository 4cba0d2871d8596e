// People at their browsers: each has one of their own, a password, and a phone that shows the house's time.

import assert from "node:assert/strict";
import { Authenticator } from "./totp.mjs";

/** A password that keeps every rule of every profile, for people whose names are not in it. */
export const PASSWORD = "Bridge 7 over the lake!";

/** Fills in the two fields of a new password and sends them. */
export async function choosePassword(page, password) {
  await page.getByLabel("New password").fill(password);
  await page.getByLabel("The same again").fill(password);
  await page.getByRole("button", { name: "Set password" }).click();
}

/** Types username and password at the gate and sends them. */
export async function tryPassword(page, username, password) {
  await page.goto("/sign-in");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Continue" }).click();
}

/** Somebody who has enrolled. */
export class Person {
  username;
  #house;
  #page;
  #phone;

  /** Invites somebody from the shell; gives the one-time link. */
  static async invite(house, username, ...options) {
    const printed = await house.command("invite", username, ...options);
    return printed.trim().split("\n").at(-1);
  }

  /** Follows an enrolment link to its end: password, second factor, recovery codes kept. */
  static async enrol(house, username, ...options) {
    const page = await house.page();
    await page.goto(await Person.invite(house, username, ...options));
    await choosePassword(page, PASSWORD);
    return Person.addAuthenticator(house, page, username);
  }

  /** The same by calls, for people whose coming in is not what is looked at. */
  static async enrolAtOnce(house, username, ...options) {
    const person = new Person();
    const link = await Person.invite(house, username, ...options);
    person.username = username;
    person.#house = house;
    person.#page = await house.page();
    await person.call("POST", "/api/v1/enrolment", { token: link.split("/").at(-1), password: PASSWORD });
    const { secret } = await person.call("POST", "/api/v1/enrolment/totp", {});
    person.#phone = new Authenticator(secret, house.clock);
    await person.call("POST", "/api/v1/enrolment/totp/confirmation", { code: person.code() });
    return person;
  }

  /** The second step of enrolling, on a page that shows the secret; leaves the person before their recovery codes. */
  static async confirmAuthenticator(house, page, username) {
    const person = new Person();
    const secret = await page.locator("#secret").innerText();
    person.username = username;
    person.#house = house;
    person.#page = page;
    person.#phone = new Authenticator(secret, house.clock);
    await page.getByLabel("Code").fill(person.#phone.code());
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.getByRole("heading", { name: "Your recovery codes", level: 1 }).waitFor();
    return person;
  }

  /** The same, and on to their first page. */
  static async addAuthenticator(house, page, username) {
    const person = await Person.confirmAuthenticator(house, page, username);
    await page.getByRole("link", { name: "I have kept them, go on" }).click();
    await page.getByRole("heading", { name: "My access", level: 1 }).waitFor();
    return person;
  }

  /** Their page. */
  get page() {
    return this.#page;
  }

  /** A code of their phone. The house takes each once: without a clock that can be moved, one has to wait for more. */
  code() {
    return this.#phone.code();
  }

  /** Goes somewhere, which must be there. */
  async goto(path) {
    const answer = await this.#page.goto(path);
    assert.equal(answer.status(), 200, path);
    return this.#page;
  }

  /** A call of the API with the cookies of their browser; gives the answer's body, which must be one of success. */
  async call(method, path, data) {
    const headers = { Origin: this.#house.url };
    const answer = await this.#page.context().request.fetch(path, { method, data, headers });
    assert.ok(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`);
    return answer.json();
  }

  /** Signs in anew by calls. */
  async signInAtOnce() {
    await this.#house.clock.advance({ seconds: 30 });
    await this.#page.context().clearCookies();
    await this.call("POST", "/api/v1/signin", { username: this.username, password: PASSWORD });
    await this.call("POST", "/api/v1/signin/totp", { code: this.code() });
  }

  /** Signs in anew with password and code, half a minute later, when the phone shows a new code. */
  async signIn(page = this.#page) {
    await this.#house.clock.advance({ seconds: 30 });
    await page.context().clearCookies();
    await tryPassword(page, this.username, PASSWORD);
    await page.getByLabel("Code").fill(this.code());
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "My access", level: 1 }).waitFor();
  }
}
