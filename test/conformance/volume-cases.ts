/** What a pod finds in its volumes: the storage part of Kubernetes' conformance. */
import { BUSYBOX } from "../harness/images.ts";
import { type Case, fieldRef, mount, sh, volume } from "./pod-case.ts";

export const VOLUME_CASES: readonly Case[] = [
  {
    name: "emptyDir: its mode, and sharing between containers",
    container: {
      ...sh(
        "stat -c %a /d 2>/dev/null || ls -ld /d; until test -e /d/x; do sleep 0.1; done; cat /d/x",
      ),
      ...mount("/d"),
    },
    spec: {
      ...volume({ emptyDir: {} }),
      initContainers: [{ name: "i", image: BUSYBOX, ...sh("echo shared >/d/x"), ...mount("/d") }],
    },
    says: /(777|drwxrwxrwx)[\s\S]*shared\n$/,
  },
  {
    name: "emptyDir in memory is a tmpfs",
    container: { ...sh("grep ' /d ' /proc/mounts"), ...mount("/d") },
    spec: volume({ emptyDir: { medium: "Memory" } }),
    says: /tmpfs/,
  },
  {
    name: "emptyDir for another user, with the pod's group",
    container: { ...sh("echo x >/d/f; cat /d/f"), ...mount("/d") },
    spec: { ...volume({ emptyDir: {} }), securityContext: { runAsUser: 1001, fsGroup: 1234 } },
    says: /^x\n$/,
  },
  {
    name: "ConfigMap volume: all keys, through atomic links",
    container: { ...sh("cat /d/a; ls -a /d"), ...mount("/d") },
    spec: volume({ configMap: { name: "words" } }),
    says: /^1[\s\S]*\.\.data/,
  },
  {
    name: "ConfigMap volume: chosen keys with modes",
    container: { ...sh("ls -lL /d/deep/one"), ...mount("/d") },
    spec: volume({
      configMap: { name: "words", items: [{ key: "a", path: "deep/one", mode: 0o400 }] },
    }),
    says: /^-r--------/,
  },
  {
    name: "ConfigMap volume: default mode",
    container: { ...sh("ls -lL /d/a"), ...mount("/d") },
    spec: volume({ configMap: { name: "words", defaultMode: 0o440 } }),
    says: /^-r--r-----/,
  },
  {
    name: "ConfigMap volume: optional and absent is empty",
    container: { ...sh("ls /d | wc -l"), ...mount("/d") },
    spec: volume({ configMap: { name: "nobody", optional: true } }),
    says: /^\s*0\n$/,
  },
  {
    name: "Secret volume: for another user, with the pod's group",
    container: { ...sh("cat /d/a"), ...mount("/d") },
    spec: {
      ...volume({ secret: { secretName: "hidden", defaultMode: 0o440 } }),
      securityContext: { runAsUser: 1001, fsGroup: 1234 },
    },
    says: /^geheim$/,
  },
  {
    name: "downwardAPI volume: labels, annotations and limits",
    metadata: { labels: { tier: "front" }, annotations: { note: "here" } },
    container: {
      ...sh("cat /d/labels /d/notes /d/cpu"),
      resources: { limits: { cpu: "500m" } },
      ...mount("/d"),
    },
    spec: volume({
      downwardAPI: {
        items: [
          { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
          { path: "notes", fieldRef: { fieldPath: "metadata.annotations['note']" } },
          {
            path: "cpu",
            resourceFieldRef: { containerName: "c", resource: "limits.cpu", divisor: "1m" },
          },
        ],
      },
    }),
    says: /tier="front"[\s\S]*here500$/,
  },
  {
    name: "projected volume: several sources in one folder",
    container: { ...sh("cat /d/words/a /d/secret/a /d/name"), ...mount("/d") },
    spec: volume({
      projected: {
        sources: [
          { configMap: { name: "words", items: [{ key: "a", path: "words/a" }] } },
          { secret: { name: "hidden", items: [{ key: "a", path: "secret/a" }] } },
          { downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
        ],
      },
    }),
    says: /^1geheimpod-\d+$/,
  },
  {
    name: "subPath: one file of a ConfigMap",
    container: { ...sh("cat /etc/one"), ...mount("/etc/one", { subPath: "a" }) },
    spec: volume({ configMap: { name: "words" } }),
    says: /^1$/,
  },
  {
    name: "subPathExpr: a folder named by the environment",
    container: {
      ...sh("echo kept >/d/f; cat /d/f"),
      env: [fieldRef("NAME", "metadata.name")],
      ...mount("/d", { subPathExpr: "of/$(NAME)" }),
    },
    spec: volume({ emptyDir: {} }),
    says: /^kept\n$/,
  },
];
