/** The Kubernetes whose API is served. */
export const KUBERNETES_VERSION = "v1.36.0";
/** Naru's own; the same as in package.json. */
export const NARU_VERSION = "0.1.0";
