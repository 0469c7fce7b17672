/** What runs in a pod's containers, and how that ends: the node's part of Kubernetes' conformance. */
import { BUSYBOX } from "../harness/images.ts";
import { type Case, ENDED, fieldRef, mount, resourceRef, sh, volume } from "./pod-case.ts";

export const POD_CASES: readonly Case[] = [
  {
    name: "command and arguments: both from the pod",
    container: { command: ["echo"], args: ["a", "b"] },
    says: /^a b\n$/,
  },
  {
    name: "command and arguments: arguments to the image's entry point",
    container: { args: ["-c", "echo from args"] },
    says: /^from args\n$/,
  },
  {
    name: "variable expansion in command, arguments and environment",
    container: {
      command: ["echo", "$(A)", "$(B)", "$(NONE)", "$$(A)"],
      env: [
        { name: "A", value: "one" },
        { name: "B", value: "$(A)-two" },
      ],
    },
    says: /^one one-two \$\(NONE\) \$\(A\)\n$/,
  },
  {
    name: "restart policy Never: a failure ends the pod",
    container: sh("exit 3"),
    phase: "Failed",
    has: [`${ENDED}.exitCode}`, /^3$/],
  },
  {
    name: "terminated state has reason and times",
    container: sh("true"),
    has: [`${ENDED}.reason} ${ENDED}.startedAt}`, /^Completed \d{4}-/],
  },
  {
    name: "termination message from the default file",
    container: sh("printf DONE >/dev/termination-log"),
    has: [`${ENDED}.message}`, /^DONE$/],
  },
  {
    name: "termination message from a path of its own, as another user",
    container: {
      ...sh("printf DONE >/dev/own-log"),
      terminationMessagePath: "/dev/own-log",
      securityContext: { runAsUser: 1000 },
    },
    has: [`${ENDED}.message}`, /^DONE$/],
  },
  {
    name: "termination message falls back to the log of a failure",
    container: { ...sh("echo why; exit 1"), terminationMessagePolicy: "FallbackToLogsOnError" },
    phase: "Failed",
    has: [`${ENDED}.message}`, /^why\n?$/],
  },
  {
    name: "termination message does not fall back after success",
    container: { ...sh("echo why"), terminationMessagePolicy: "FallbackToLogsOnError" },
    has: [`[${ENDED}.message}]`, /^\[\]$/],
  },
  {
    name: "init containers run to their end before the others",
    container: { ...sh("cat /d/x"), ...mount("/d") },
    spec: {
      initContainers: [{ name: "i", image: BUSYBOX, ...sh("echo first >/d/x"), ...mount("/d") }],
      ...volume({ emptyDir: {} }),
    },
    says: /^first\n$/,
  },
  {
    name: "an init container that fails ends a pod that never restarts",
    container: sh("echo never"),
    spec: { initContainers: [{ name: "i", image: BUSYBOX, ...sh("exit 1") }] },
    phase: "Failed",
    has: ["{.status.initContainerStatuses[0].state.terminated.exitCode}", /^1$/],
  },
  {
    name: "ConfigMap in the environment, one key and all",
    container: {
      ...sh("echo $ONE $P_b"),
      env: [{ name: "ONE", valueFrom: { configMapKeyRef: { name: "words", key: "a" } } }],
      envFrom: [{ prefix: "P_", configMapRef: { name: "words" } }],
    },
    says: /^1 2\n$/,
  },
  {
    name: "Secret in the environment",
    container: {
      ...sh("echo $S"),
      env: [{ name: "S", valueFrom: { secretKeyRef: { name: "hidden", key: "a" } } }],
    },
    says: /^geheim\n$/,
  },
  {
    name: "downward environment: names, addresses and uid",
    container: {
      ...sh("echo $NAME $NS $IP $HOST $UID_OF"),
      env: [
        fieldRef("NAME", "metadata.name"),
        fieldRef("NS", "metadata.namespace"),
        fieldRef("IP", "status.podIP"),
        fieldRef("HOST", "status.hostIP"),
        fieldRef("UID_OF", "metadata.uid"),
      ],
    },
    says: /^\S+ default \d+\.\d+\.\d+\.\d+ \d+\.\d+\.\d+\.\d+ [0-9a-f-]{36}\n$/,
  },
  {
    name: "downward environment: limits and requests",
    container: {
      ...sh("echo $CL $ML $CR"),
      resources: { limits: { cpu: "1", memory: "64Mi" }, requests: { cpu: "250m" } },
      env: [
        resourceRef("CL", "limits.cpu"),
        resourceRef("ML", "limits.memory"),
        resourceRef("CR", "requests.cpu"),
      ],
    },
    says: /^1 67108864 1\n$/,
  },
  {
    name: "downward environment: limits default to what the node has",
    container: {
      ...sh("echo $CL $ML"),
      env: [resourceRef("CL", "limits.cpu"), resourceRef("ML", "limits.memory")],
    },
    says: /^[1-9]\d* [1-9]\d+\n$/,
  },
  {
    name: "service environment variables",
    container: sh("echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT"),
    says: /^10\.\d+\.\d+\.\d+:443\n$/,
  },
  {
    name: "host aliases in /etc/hosts, with the pod itself",
    container: sh("cat /etc/hosts"),
    spec: { hostAliases: [{ ip: "10.1.2.3", hostnames: ["foo.example"] }] },
    says: /10\.1\.2\.3\s+foo\.example[\s\S]*|[\s\S]*10\.1\.2\.3\s+foo\.example/,
  },
  {
    name: "host name and subdomain",
    container: sh("cat /proc/sys/kernel/hostname"),
    spec: { hostname: "named" },
    says: /^named\n$/,
  },
  {
    name: "DNS policy None with a configuration of its own",
    container: sh("cat /etc/resolv.conf"),
    spec: {
      dnsPolicy: "None",
      dnsConfig: {
        nameservers: ["1.2.3.4"],
        searches: ["own.example"],
        options: [{ name: "ndots", value: "2" }],
      },
    },
    says: /nameserver 1\.2\.3\.4[\s\S]*ndots:2|search own\.example[\s\S]*nameserver 1\.2\.3\.4/,
  },
  {
    name: "cluster DNS: services by short and full names",
    container: sh(
      "nslookup kubernetes.default.svc.cluster.local >/dev/null && grep search /etc/resolv.conf",
    ),
    says: /default\.svc\.cluster\.local svc\.cluster\.local cluster\.local/,
  },
  {
    name: "read-only root file system",
    container: {
      ...sh("touch /x || echo refused"),
      securityContext: { readOnlyRootFilesystem: true },
    },
    says: /refused/,
  },
  {
    name: "security context: user and group of the container",
    container: { ...sh("id -u; id -g"), securityContext: { runAsUser: 1001, runAsGroup: 1002 } },
    says: /^1001\n1002\n$/,
  },
  {
    name: "security context: user and group of the pod",
    container: sh("id -u; id -g"),
    spec: { securityContext: { runAsUser: 1003, runAsGroup: 1004 } },
    says: /^1003\n1004\n$/,
  },
  {
    name: "security context: no new privileges",
    container: {
      ...sh("grep NoNewPrivs /proc/self/status"),
      securityContext: { allowPrivilegeEscalation: false },
    },
    says: /NoNewPrivs:\s+1/,
  },
  {
    name: "security context: not privileged",
    container: {
      ...sh("busybox mount -t tmpfs none /tmp 2>/dev/null || echo refused"),
      securityContext: { privileged: false },
    },
    says: /refused/,
  },
  {
    name: "sysctls that are safe are set",
    container: sh("cat /proc/sys/kernel/shm_rmid_forced"),
    spec: { securityContext: { sysctls: [{ name: "kernel.shm_rmid_forced", value: "1" }] } },
    says: /^1\n$/,
  },
  {
    name: "active deadline ends a pod",
    container: sh("sleep 600"),
    spec: { activeDeadlineSeconds: 2, terminationGracePeriodSeconds: 1 },
    phase: "Failed",
    has: ["{.status.reason}", /^DeadlineExceeded$/],
  },
  {
    name: "quality of service is computed",
    container: { ...sh("true"), resources: { limits: { cpu: "100m", memory: "32Mi" } } },
    has: ["{.status.qosClass}", /^Guaranteed$/],
  },
  {
    name: "lifecycle: postStart runs beside the container",
    container: {
      ...sh("until test -e /d/x; do sleep 0.1; done; cat /d/x"),
      ...mount("/d"),
      lifecycle: { postStart: { exec: { command: ["sh", "-c", "echo started >/d/x"] } } },
    },
    spec: volume({ emptyDir: {} }),
    says: /^started\n$/,
  },
  {
    name: "liveness probe by exec restarts a container",
    container: {
      ...sh("echo up; touch /tmp/ok; sleep 1; rm /tmp/ok; sleep 600"),
      livenessProbe: {
        exec: { command: ["cat", "/tmp/ok"] },
        periodSeconds: 1,
        failureThreshold: 1,
      },
    },
    spec: { restartPolicy: "Always", terminationGracePeriodSeconds: 1 },
    phase: "Running",
    has: ["{.status.containerStatuses[0].restartCount}", /^[1-9]/],
  },
  {
    name: "readiness probe that fails keeps a pod unready, without restarts",
    container: {
      ...sh("sleep 600"),
      readinessProbe: { exec: { command: ["false"] }, periodSeconds: 1 },
    },
    spec: { terminationGracePeriodSeconds: 1 },
    phase: "Running",
    has: [
      "{.status.containerStatuses[0].ready} {.status.containerStatuses[0].restartCount}",
      /^false 0$/,
    ],
  },
  {
    name: "a container's log is its standard output",
    container: sh("echo out; echo err >&2"),
    says: /out\nerr\n/,
  },
];
