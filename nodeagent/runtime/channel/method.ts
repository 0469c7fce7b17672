/** A message's codec, as ts-proto generates it. */
export interface Message<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** A call with one answer, or, with `serve.ts`' stream handlers, one with messages both ways. */
export interface Method<Request, Reply> {
  readonly name: string;
  readonly request: Message<Request>;
  readonly reply: Message<Reply>;
}
