/** A bearer token as a client shows it, with what is asked of it by several. */
import { createHash } from "node:crypto";
import { decodeJwt } from "jose";

export class ShownToken {
  readonly text: string;
  #digest: string | undefined;

  constructor(text: string) {
    this.text = text;
  }

  /** By which it is known: the token itself is not kept. */
  get digest(): string {
    this.#digest ??= createHash("sha256").update(this.text).digest("base64");
    return this.#digest;
  }

  /** Who says to have signed it; whether that is true has to be looked at. Undefined for what is no signed token. */
  issuer(): string | undefined {
    try {
      return decodeJwt(this.text).iss;
    } catch {
      // Some other kind of token.
      return undefined;
    }
  }
}
