/** The restricted level: what hardened pods do without. https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
import { badSeccomp } from "./baseline.ts";
import {
  type AnyContainer,
  type Check,
  naming,
  plural,
  quoted,
  setters,
  sorted,
} from "./subject.ts";

export const allowPrivilegeEscalation: Check = ({ containers }) => {
  const bad = containers.filter((each) => each.securityContext?.allowPrivilegeEscalation !== false);
  if (bad.length === 0) return undefined;
  return {
    reason: "allowPrivilegeEscalation != false",
    detail: `${naming(bad)} must set securityContext.allowPrivilegeEscalation=false`,
  };
};

export const capabilities: Check = ({ containers }) => {
  const dropped = (each: AnyContainer) => each.securityContext?.capabilities?.drop ?? [];
  const added = (each: AnyContainer) =>
    (each.securityContext?.capabilities?.add ?? []).filter((name) => name !== "NET_BIND_SERVICE");
  const keeping = containers.filter((each) => !dropped(each).includes("ALL"));
  const adding = containers.filter((each) => added(each).length > 0);
  const details: string[] = [];
  if (keeping.length > 0)
    details.push(`${naming(keeping)} must set securityContext.capabilities.drop=["ALL"]`);
  if (adding.length > 0) {
    const names = quoted(sorted(adding.flatMap(added)));
    details.push(`${naming(adding)} must not include ${names} in securityContext.capabilities.add`);
  }
  if (details.length === 0) return undefined;
  return { reason: "unrestricted capabilities", detail: details.join("; ") };
};

const VOLUMES = new Set([
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
]);

export const volumes: Check = ({ spec }) => {
  const sourceOf = (volume: object) => Object.keys(volume).find((key) => key !== "name");
  const bad = (spec.volumes ?? []).filter((each) => !VOLUMES.has(sourceOf(each) ?? ""));
  if (bad.length === 0) return undefined;
  const types = sorted(bad.map((each) => sourceOf(each) ?? "unknown"));
  const names = `${plural("volume", bad.length)} ${quoted(bad.map(({ name }) => name))}`;
  const uses = bad.length === 1 ? "uses" : "use";
  const list = `${plural("restricted volume type", types.length)} ${quoted(types)}`;
  return { reason: "restricted volume types", detail: `${names} ${uses} ${list}` };
};

export const runAsNonRoot: Check = ({ containers, spec }) => {
  const reason = "runAsNonRoot != true";
  const ofPod = spec.securityContext?.runAsNonRoot;
  const choice = (each: AnyContainer) => each.securityContext?.runAsNonRoot;
  const who = setters(
    ofPod === false,
    containers.filter((each) => choice(each) === false),
  );
  if (who !== undefined)
    return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
  const silent = containers.filter((each) => choice(each) === undefined);
  if (ofPod === true || silent.length === 0) return undefined;
  return { reason, detail: `pod or ${naming(silent)} must set securityContext.runAsNonRoot=true` };
};

export const runAsUser: Check = ({ containers, spec }) => {
  const who = setters(
    spec.securityContext?.runAsUser === 0,
    containers.filter((each) => each.securityContext?.runAsUser === 0),
  );
  if (who === undefined) return undefined;
  return { reason: "runAsUser=0", detail: `${who} must not set runAsUser=0` };
};

export const seccompProfile: Check = (subject) => {
  const bad = badSeccomp(subject);
  if (bad !== undefined) return bad;
  const { containers, spec } = subject;
  const silent = containers.filter((e) => e.securityContext?.seccompProfile === undefined);
  if (spec.securityContext?.seccompProfile !== undefined || silent.length === 0) return undefined;
  const detail = `pod or ${naming(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`;
  return { reason: "seccompProfile", detail };
};

/** What Windows has no word for. */
export function unlessWindows(check: Check): Check {
  return (subject) => (subject.spec.os?.name === "windows" ? undefined : check(subject));
}
