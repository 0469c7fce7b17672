import type { Environment } from "@marcbachmann/cel-js";

/** One question to the authorizer, as an expression builds it up. */
export interface Question {
  readonly user?: { readonly name: string; readonly groups: readonly string[] };
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

export interface Answer {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Answers at once, or throws: expressions do not wait. */
export type Ask = (question: Question, verb: string) => Answer;

/** The value of `authorizer`. */
export class CelAuthorizer {
  readonly ask: Ask;
  /** The request itself, as a question: `authorizer.requestResource.check("…")`. */
  readonly requestResource: ResourceCheck;
  readonly user: Question["user"];

  constructor(ask: Ask, request: Question, user?: Question["user"]) {
    this.ask = ask;
    this.requestResource = new ResourceCheck(ask, request);
    this.user = user;
  }
}

class PathCheck {
  readonly ask: Ask;
  readonly question: Question;

  constructor(ask: Ask, question: Question) {
    this.ask = ask;
    this.question = question;
  }
}
class GroupCheck extends PathCheck {}
class ResourceCheck extends PathCheck {}

class Decision {
  readonly answer: Answer;

  constructor(answer: Answer) {
    this.answer = answer;
  }
}

export const AUTHORIZER = "kubernetes.authorization.Authorizer";
const PATH = "kubernetes.authorization.PathCheck";
const GROUP = "kubernetes.authorization.GroupCheck";
const RESOURCE = "kubernetes.authorization.ResourceCheck";
const DECISION = "kubernetes.authorization.Decision";

/** Kubernetes' authorizer in CEL: `authorizer.group("apps").resource("deployments").check("delete").allowed()`. */
export function addAuthorization(environment: Environment): void {
  environment
    .registerType(PATH, { ctor: PathCheck })
    .registerType(GROUP, { ctor: GroupCheck })
    .registerType(RESOURCE, { ctor: ResourceCheck })
    .registerType(DECISION, { ctor: Decision })
    .registerType(AUTHORIZER, { ctor: CelAuthorizer, fields: { requestResource: RESOURCE } })
    .registerFunction(
      `${AUTHORIZER}.serviceAccount(string, string): ${AUTHORIZER}`,
      ({ ask, requestResource }: CelAuthorizer, namespace: string, name: string) =>
        new CelAuthorizer(ask, requestResource.question, accountUser(namespace, name)),
    )
    .registerFunction(
      `${AUTHORIZER}.path(string): ${PATH}`,
      ({ ask, user }: CelAuthorizer, path: string) =>
        new PathCheck(ask, { ...(user === undefined ? {} : { user }), path }),
    )
    .registerFunction(
      `${AUTHORIZER}.group(string): ${GROUP}`,
      ({ ask, user }: CelAuthorizer, group: string) =>
        new GroupCheck(ask, { ...(user === undefined ? {} : { user }), group }),
    )
    .registerFunction(
      `${GROUP}.resource(string): ${RESOURCE}`,
      ({ ask, question }: GroupCheck, resource: string) =>
        new ResourceCheck(ask, { ...question, resource }),
    );
  for (const field of ["subresource", "namespace", "name"] as const)
    environment.registerFunction(
      `${RESOURCE}.${field}(string): ${RESOURCE}`,
      ({ ask, question }: ResourceCheck, value: string) =>
        new ResourceCheck(ask, { ...question, [field]: value }),
    );
  for (const type of [PATH, RESOURCE])
    environment.registerFunction(
      `${type}.check(string): ${DECISION}`,
      ({ ask, question }: PathCheck, verb: string) => new Decision(ask(question, verb)),
    );
  environment
    .registerFunction(`${DECISION}.allowed(): bool`, ({ answer }: Decision) => answer.allowed)
    .registerFunction(`${DECISION}.reason(): string`, ({ answer }: Decision) => answer.reason)
    // Whoever cannot answer says no: this authorizer has no errors of its own.
    .registerFunction(`${DECISION}.errored(): bool`, () => false)
    .registerFunction(`${DECISION}.error(): string`, () => "");
}

function accountUser(namespace: string, name: string): Question["user"] {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: [
      "system:serviceaccounts",
      `system:serviceaccounts:${namespace}`,
      "system:authenticated",
    ],
  };
}
