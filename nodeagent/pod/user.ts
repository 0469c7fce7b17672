/** Who a container's process is: from the pod, the image, and the image's own /etc/passwd and /etc/group. Pure. */
import type { Container, Pod } from "#proto/core/v1";
import { ConfigError } from "./config-error.ts";

export interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
}

export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
}

export function processUser(
  pod: Pod,
  container: Container,
  image: { readonly user: string; readonly reference: string },
  files: AccountFiles,
): ProcessUser {
  const podContext = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  const runAsUser = own.runAsUser ?? podContext.runAsUser;
  const runAsGroup = own.runAsGroup ?? podContext.runAsGroup;
  const [imageUser = "", imageGroup] = image.user.split(":");
  const named = runAsUser === undefined ? imageUser : String(runAsUser);
  const account = accountOf(named, files.passwd);
  if (own.runAsNonRoot ?? podContext.runAsNonRoot ?? false) {
    checkNonRoot(runAsUser, imageUser, account.uid);
  }
  const fromImage =
    runAsUser === undefined && imageGroup !== undefined && imageGroup !== ""
      ? groupId(imageGroup, files.group)
      : undefined;
  const gid = runAsGroup ?? fromImage ?? account.gid;
  const merge = podContext.supplementalGroupsPolicy !== "Strict";
  const ofImage = merge && account.name !== undefined ? groupsOf(account.name, files.group) : [];
  const groups = [
    ...(podContext.supplementalGroups ?? []),
    ...(podContext.fsGroup === undefined ? [] : [podContext.fsGroup]),
    ...ofImage,
  ];
  return { uid: account.uid, gid, additionalGids: [...new Set([gid, ...groups])] };
}

/** A name proves nothing: what it stands for is written in the image, which may lie. */
function checkNonRoot(runAsUser: number | undefined, imageUser: string, uid: number): void {
  if (runAsUser === undefined && imageUser !== "" && !/^\d+$/.test(imageUser)) {
    throw new ConfigError(
      `container has runAsNonRoot and image has non-numeric user (${imageUser}), cannot verify user is non-root`,
    );
  }
  if (uid !== 0) return;
  throw new ConfigError(
    runAsUser === 0
      ? "container's runAsUser breaks non-root policy"
      : "container has runAsNonRoot and image will run as root",
  );
}

interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly name: string | undefined;
}

function accountOf(user: string, passwd: string): Account {
  const wanted = user === "" ? "0" : user;
  const isNumber = /^\d+$/.test(wanted);
  for (const line of passwd.split("\n")) {
    const [name, , uid, gid] = line.split(":");
    if (name === undefined || uid === undefined || gid === undefined) continue;
    if (name !== wanted && !(isNumber && uid === wanted)) continue;
    return { uid: Number(uid), gid: Number(gid), name };
  }
  if (isNumber) return { uid: Number(wanted), gid: 0, name: undefined };
  throw new ConfigError(
    `unable to find user ${wanted}: no matching entries in the image's passwd file`,
    "CreateContainerError",
  );
}

function groupId(group: string, file: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  for (const line of file.split("\n")) {
    const [name, , gid] = line.split(":");
    if (name === group && gid !== undefined) return Number(gid);
  }
  throw new ConfigError(
    `unable to find group ${group}: no matching entries in the image's group file`,
    "CreateContainerError",
  );
}

function groupsOf(user: string, file: string): readonly number[] {
  return file
    .split("\n")
    .map((line) => line.split(":"))
    .filter(([, , gid, members]) => gid && members?.split(",").includes(user))
    .map(([, , gid]) => Number(gid));
}
