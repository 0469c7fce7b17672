/** What a row of a table of pods says, and the parts that rows are made of. */

export interface Case {
  readonly name: string;
  /** Of the one container, besides its name and image. */
  readonly container: object;
  readonly spec?: object;
  readonly metadata?: object;
  /** What the container says, if anything has to be. */
  readonly says?: RegExp;
  /** How the pod ends; "Succeeded" unless it is said. */
  readonly phase?: "Failed" | "Running" | "Succeeded";
  /** A value in the pod, by JSONPath. */
  readonly has?: readonly [path: string, value: RegExp];
}

export const sh = (script: string): { readonly command: readonly string[] } => ({
  command: ["sh", "-c", script],
});
export const fieldRef = (name: string, fieldPath: string) => ({
  name,
  valueFrom: { fieldRef: { fieldPath } },
});
export const resourceRef = (name: string, resource: string) => ({
  name,
  valueFrom: { resourceFieldRef: { resource } },
});
export const mount = (path: string, more: object = {}) => ({
  volumeMounts: [{ name: "v", mountPath: path, ...more }],
});
export const volume = (source: object) => ({ volumes: [{ name: "v", ...source }] });
export const ENDED = "{.status.containerStatuses[0].state.terminated";
