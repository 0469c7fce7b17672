import type { JsonObject } from "#lib/json";
import { type Answer, CelAuthorizer, type Question } from "../../cel/functions/authorization.ts";
import { type Budget, type Evaluated, evaluate, type Program } from "../../cel/program.ts";
import { celValueOf } from "../../cel/values.ts";
import type { AccessRequest, Authorizer } from "../../chain/steps.ts";
import type { VersionedRequest } from "./in-version.ts";
import { requestValue } from "./request-value.ts";

export type Values = Readonly<Record<string, unknown>>;
export type More = (values: Values) => Values;

/** Checks that one expression may ask the authorizer for; each costs one more evaluation. */
const CHECKS_MAX = 100;

const scenes = new WeakMap<VersionedRequest, Scene>();

/** One for all who are asked about a request, until somebody changes it. */
export function sceneOf(request: VersionedRequest, authorizer: Authorizer): Scene {
  const known = scenes.get(request) ?? new Scene(request, authorizer);
  scenes.set(request, known);
  return known;
}

/** What expressions see of one request: turned into CEL's values once, when the first expression asks. */
export class Scene {
  readonly #request: VersionedRequest;
  readonly #authorizer: Authorizer;
  readonly #answers = new Map<string, Answer>();
  #values: Values | undefined;
  #unanswered: (() => Promise<void>) | undefined;

  constructor(request: VersionedRequest, authorizer: Authorizer) {
    this.#request = request;
    this.#authorizer = authorizer;
  }

  /** `more`: values in CEL's shape beside object, oldObject, request and authorizer, made anew for each try. */
  async evaluate(program: Program, budget: Budget, more: More = () => ({})): Promise<Evaluated> {
    this.#values ??= this.#makeValues();
    for (let asked = 0; ; asked++) {
      this.#unanswered = undefined;
      const values = { ...this.#values, ...more(this.#values) };
      const result = evaluate(program, values, budget);
      // Expressions do not wait: one that lacks an answer ends, and runs again when the answer is there.
      const answer = this.#unanswered as (() => Promise<void>) | undefined;
      if (answer === undefined || asked === CHECKS_MAX) return result;
      await answer();
    }
  }

  #makeValues(): Values {
    const { name, namespace, object, oldObject, subresource } = this.#request;
    const { requested: resource = this.#request.resource } = this.#request;
    const question = {
      group: resource.group,
      resource: resource.plural,
      ...(subresource === undefined ? {} : { subresource }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
    };
    return {
      object: orNull(object),
      oldObject: orNull(oldObject),
      request: orNull(requestValue(this.#request)),
      authorizer: new CelAuthorizer((asked, verb) => this.#ask(asked, verb), question),
    };
  }

  #ask(question: Question, verb: string): Answer {
    const key = JSON.stringify([question, verb]);
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    this.#unanswered ??= async () => {
      const { user = this.#request.user, ...what } = question;
      const verdict = await this.#authorizer.authorize({ user, verb, ...what } as AccessRequest);
      const reason = verdict.allowed ? "" : verdict.reason;
      this.#answers.set(key, { allowed: verdict.allowed, reason });
    };
    throw new Error("the authorizer has not answered yet");
  }
}

function orNull(object: JsonObject | undefined): unknown {
  return object === undefined ? null : celValueOf(object);
}
