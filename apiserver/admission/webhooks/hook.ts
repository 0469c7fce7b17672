import type { ApiObject } from "#proto";
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  RuleWithOperations,
  WebhookClientConfig,
} from "#proto/admissionregistration/v1";
import { conditionDeclarations } from "../../cel/admission.ts";
import { type Condition, conditionsOf } from "../matching/conditions.ts";
import { type Route, ruleMatches } from "../matching/rules.ts";
import { type Selectors, selectorsOf } from "../matching/selectors.ts";
import type { ReviewVersion } from "./review.ts";

/** One webhook, made ready to be asked. */
export interface Hook {
  /** Tells it from all others: a name may be used again in another configuration. */
  readonly id: string;
  readonly configuration: string;
  readonly name: string;
  readonly rules: readonly RuleWithOperations[];
  readonly selectors: Selectors;
  readonly conditions: readonly Condition[];
  readonly client: WebhookClientConfig;
  /** Whether another version of a kind is as good as the one that a rule names. */
  readonly isEquivalent: boolean;
  /** Whether a request goes on when the webhook cannot be asked. */
  readonly isOptional: boolean;
  readonly hasSideEffects: boolean;
  readonly timeoutSeconds: number;
  /** The first one that both understand. */
  readonly reviewVersion: ReviewVersion;
  /** Whether it wants to be asked again when others changed the object after it. */
  readonly isReinvoked: boolean;
}

const TIMEOUT_SECONDS = 10;

/** Of both kinds of configuration. */
export function hooksOf(configuration: ApiObject): readonly Hook[] {
  const { metadata, webhooks = [] } = configuration as MutatingWebhookConfiguration;
  return webhooks.map((webhook) => hookOf(metadata.name, webhook));
}

function hookOf(configuration: string, webhook: MutatingWebhook): Hook {
  return {
    id: `${configuration}/${webhook.name}`,
    configuration,
    name: webhook.name,
    rules: webhook.rules ?? [],
    selectors: selectorsOf(webhook),
    conditions: conditionsOf(webhook.matchConditions, conditionDeclarations),
    client: webhook.clientConfig,
    isEquivalent: webhook.matchPolicy !== "Exact",
    isOptional: webhook.failurePolicy === "Ignore",
    hasSideEffects: webhook.sideEffects !== "None" && webhook.sideEffects !== "NoneOnDryRun",
    timeoutSeconds: webhook.timeoutSeconds ?? TIMEOUT_SECONDS,
    reviewVersion: webhook.admissionReviewVersions.find(isReviewVersion) ?? "v1",
    isReinvoked: webhook.reinvocationPolicy === "IfNeeded",
  };
}

function isReviewVersion(version: string): version is ReviewVersion {
  return version === "v1" || version === "v1beta1";
}

export function hookMatches(hook: Hook, route: Route): boolean {
  return hook.rules.some((rule) => ruleMatches(rule, route));
}
