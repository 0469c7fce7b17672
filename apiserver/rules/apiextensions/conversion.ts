import type { CustomResourceConversion, WebhookClientConfig } from "#proto/apiextensions/v1";
import { type Causes, forbidden, invalid, required } from "../causes.ts";
import { between, nonEmpty, requiredOneOf } from "../checks.ts";

export function conversionProblems(
  conversion: CustomResourceConversion | undefined,
  path: string,
): Causes {
  if (conversion === undefined) return [];
  const { strategy, webhook } = conversion;
  const strategies = requiredOneOf(`${path}.strategy`, strategy, ["None", "Webhook"]);
  const at = `${path}.webhook`;
  if (strategy !== "Webhook") {
    const why = "should not be set when strategy is not set to Webhook";
    return webhook === undefined ? strategies : [...strategies, forbidden(at, why)];
  }
  if (webhook === undefined) return [required(at, "required when strategy is set to Webhook")];
  const { clientConfig, conversionReviewVersions: versions } = webhook;
  return [
    ...(versions.includes("v1")
      ? []
      : [invalid(`${at}.conversionReviewVersions`, versions, "must include at least one of v1")]),
    ...(clientConfig === undefined
      ? [required(`${at}.clientConfig`, "required when strategy is set to Webhook")]
      : clientProblems(clientConfig, `${at}.clientConfig`)),
  ];
}

function clientProblems({ service, url }: WebhookClientConfig, path: string): Causes {
  if ((service === undefined) === (url === undefined))
    return [required(path, "exactly one of url or service is required")];
  if (url !== undefined) return urlProblems(url, `${path}.url`);
  return [
    ...nonEmpty(`${path}.service.name`, service?.name, "service name is required"),
    ...nonEmpty(`${path}.service.namespace`, service?.namespace, "service namespace is required"),
    ...between(`${path}.service.port`, service?.port, { min: 1, max: 65_535 }),
  ];
}

function urlProblems(text: string, path: string): Causes {
  const url = URL.parse(text);
  if (url === null || url.host === "") return [invalid(path, text, "host must be specified")];
  if (url.protocol !== "https:")
    return [invalid(path, text, "'https' is the only allowed URL scheme")];
  const extra = url.username !== "" || url.hash !== "" || url.search !== "";
  return extra
    ? [invalid(path, text, "user information, fragments and query are not permitted in the URL")]
    : [];
}
