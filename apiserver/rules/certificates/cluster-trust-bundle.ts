import { X509Certificate } from "node:crypto";
import { subdomainProblem } from "#lib/api/names";
import type { ClusterTrustBundle } from "#proto/certificates/v1beta1";
import { type Causes, invalid } from "../causes.ts";
import { named } from "../checks.ts";
import type { KindRules } from "../kind-rules.ts";
import { tooLong } from "../storage/csi.ts";
import { isSignerName } from "./certificate-signing-request.ts";

/** Kubernetes' bound. */
const BUNDLE_BYTES_MAX = 1024 * 1024;
const BLOCK = /-----BEGIN ([^-]+)-----\r?\n([\s\S]*?)-----END \1-----/g;
/** What is in a bundle is not repeated in errors. */
const OMITTED = "<value omitted>";
const PATH = "spec.trustBundle";

export const clusterTrustBundleRules: KindRules = {
  // The rule depends on the signer.
  nameRule: "path",
  validate(object) {
    const { metadata, spec } = object as unknown as ClusterTrustBundle;
    const { signerName = "" } = spec;
    return [
      ...nameCauses(metadata.name, signerName),
      ...(signerName === "" || isSignerName(signerName)
        ? []
        : [
            invalid(
              "spec.signerName",
              signerName,
              "must be a fully qualified domain and path of the form 'example.com/signer-name'",
            ),
          ]),
    ];
  },
  validateCreate: (object) => bundleCauses((object as unknown as ClusterTrustBundle).spec),
  validateUpdate(object, old) {
    const [now, before] = [object, old].map((each) => (each as unknown as ClusterTrustBundle).spec);
    const { signerName = "" } = now ?? {};
    const isMoved = signerName !== (before?.signerName ?? "");
    const isSame = now?.trustBundle === before?.trustBundle;
    return [
      ...(isMoved ? [invalid("spec.signerName", signerName, "field is immutable")] : []),
      ...(isSame || now === undefined ? [] : bundleCauses(now)),
    ];
  },
};

/** Whoever speaks for a signer is found by its name: `example.com:signer:v1`. */
function nameCauses(name: string, signerName: string): Causes {
  const path = "metadata.name";
  if (signerName === "") {
    return name.includes(":")
      ? [
          invalid(
            path,
            name,
            'ClusterTrustBundle without signer name must not have ":" in its name',
          ),
        ]
      : named(path, name, subdomainProblem);
  }
  const prefix = `${signerName.replaceAll("/", ":")}:`;
  if (!name.startsWith(prefix)) {
    const why = `ClusterTrustBundle for signerName ${signerName} must be named with prefix ${prefix}`;
    return [invalid(path, name, why)];
  }
  const problem = subdomainProblem(name.slice(prefix.length));
  return problem === undefined ? [] : [invalid(path, name, problem)];
}

function bundleCauses({ trustBundle = "" }: ClusterTrustBundle["spec"]): Causes {
  if (Buffer.byteLength(trustBundle) > BUNDLE_BYTES_MAX) return [tooLong(PATH, BUNDLE_BYTES_MAX)];
  const blocks = [...trustBundle.matchAll(BLOCK)];
  const wrong = blocks.flatMap(([text, type = "", body = ""], at) => {
    const problem = blockProblem(text, type, body);
    return problem === undefined ? [] : [invalid(PATH, OMITTED, `entry ${at} ${problem}`)];
  });
  if (wrong.length > 0) return wrong;
  if (blocks.length === 0)
    return [invalid(PATH, OMITTED, "at least one trust anchor must be provided")];
  const bodies = blocks.map(([, , body = ""]) => body.replaceAll(/\s/g, ""));
  return bodies.flatMap((body, at) => {
    const first = bodies.indexOf(body);
    if (first === at) return [];
    return [invalid(PATH, OMITTED, `duplicate trust anchor (indices [${first} ${at}])`)];
  });
}

function blockProblem(text: string, type: string, body: string): string | undefined {
  if (type !== "CERTIFICATE") return `has bad block type: ${type}`;
  if (body.includes(":")) return "has PEM block headers";
  try {
    return new X509Certificate(text).ca ? undefined : "does not have the CA bit set";
  } catch {
    // Whatever is wrong with it, it is no certificate.
    return "does not parse as X.509";
  }
}
