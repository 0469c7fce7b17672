import { isCreateOf, type Plugin } from "./plugin.ts";

/** They go when nobody uses the object any more; a controller takes them off then. */
const FINALIZERS: Readonly<Record<string, string>> = {
  PersistentVolume: "kubernetes.io/pv-protection",
  PersistentVolumeClaim: "kubernetes.io/pvc-protection",
};

/** A claim that a pod uses and a volume that a claim uses outlive their deletion. */
export const storageInUseProtection: Plugin = (request) => {
  const { object, resource } = request;
  const finalizer = FINALIZERS[resource.kind];
  if (object === undefined || finalizer === undefined || !isCreateOf(request, resource.kind))
    return undefined;
  const metadata = object["metadata"] as { readonly finalizers?: readonly string[] };
  const finalizers = metadata.finalizers ?? [];
  if (finalizers.includes(finalizer)) return undefined;
  return { ...object, metadata: { ...metadata, finalizers: [...finalizers, finalizer] } };
};
