/** Every pod runs as a service account that exists, with its token mounted and its pull secrets, unless it says otherwise. */
import { type Clock, sleep } from "#lib/clock";
import type { JsonObject } from "#lib/json";
import type { Random } from "#lib/random";
import { StatusError } from "#lib/status-error";
import type { Pod, PodSpec, ServiceAccount } from "#proto/core/v1";
import { serviceAccounts } from "#resources";
import type { AdmissionRequest, Reader } from "../../chain/steps.ts";
import { isCreateOf, type Plugin } from "../plugin.ts";
import { refusedMirror } from "./mirror-pods.ts";
import { refusedSecret } from "./mountable-secrets.ts";
import { withToken } from "./token-volume.ts";

const DEFAULT = "default";
const MIRROR = "kubernetes.io/config.mirror";
/** The default account comes a moment after its namespace, and pods may come in between. Kubernetes' numbers. */
const DEFAULT_TRIES_MAX = 10;
const TRY_AGAIN_MS = 100;

interface Access {
  readonly clock: Clock;
  readonly random: Random;
}

export function serviceAccount(access: Access): Plugin {
  return (request, reader) => {
    const { object } = request;
    if (!isCreateOf(request, "Pod") || object === undefined) return undefined;
    const pod = object as unknown as Pod;
    if (pod.metadata.annotations?.[MIRROR] === undefined)
      return admitPod(request, pod, reader, access);
    const why = refusedMirror(pod.spec);
    if (why !== undefined) throw refused(request, why);
    return undefined;
  };
}

/** At once where the account is known here; only what is missing has to be waited for. */
function admitPod(
  request: AdmissionRequest,
  pod: Pod,
  reader: Reader,
  access: Access,
): Promise<JsonObject | undefined> | JsonObject | undefined {
  const name = pod.spec.serviceAccountName || DEFAULT;
  const known = reader.known(serviceAccounts, request.namespace, name);
  if (known !== undefined) return admitted(request, pod, known.object as ServiceAccount, access);
  return awaitedAccount(request, name, reader, access).then((account) =>
    admitted(request, pod, account, access),
  );
}

function admitted(
  request: AdmissionRequest,
  pod: Pod,
  account: ServiceAccount,
  { random }: Access,
): JsonObject | undefined {
  const why = refusedSecret(account, pod.spec);
  if (why !== undefined) throw refused(request, why);
  const spec = completed(pod.spec, account, random);
  return spec === pod.spec ? undefined : ({ ...pod, spec } as unknown as JsonObject);
}

function completed(spec: PodSpec, account: ServiceAccount, random: Random): PodSpec {
  const mounts = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
  const mounted = mounts ? withToken(spec, random) : spec;
  const { imagePullSecrets = [] } = account;
  if ((spec.imagePullSecrets ?? []).length > 0 || imagePullSecrets.length === 0) return mounted;
  return { ...mounted, imagePullSecrets };
}

async function awaitedAccount(
  request: AdmissionRequest,
  name: string,
  reader: Reader,
  { clock, random }: Access,
): Promise<ServiceAccount> {
  const { namespace = "" } = request;
  const triesMax = name === DEFAULT ? DEFAULT_TRIES_MAX : 1;
  for (let attempt = 1; ; attempt++) {
    const found = await reader.get(serviceAccounts, namespace, name);
    if (found !== undefined) return found.object as ServiceAccount;
    if (attempt === triesMax) {
      const missing = `serviceaccount "${name}" not found`;
      throw refused(request, `error looking up service account ${namespace}/${name}: ${missing}`);
    }
    await sleep(clock, TRY_AGAIN_MS * (1 + random.fraction()));
  }
}

function refused({ name = "" }: AdmissionRequest, why: string): StatusError {
  return new StatusError("Forbidden", `pods "${name}" is forbidden: ${why}`, {
    details: { name, kind: "pods" },
  });
}
