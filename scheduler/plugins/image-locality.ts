import { SCORE_MAX, type ScorePlugin } from "../framework/plugin.ts";

/** Below the first, an image is not worth a thought; above the second, more does not count. kube-scheduler's values. */
const SIZE_MIN = 23 * 1024 * 1024;
const SIZE_MAX = 1000 * 1024 * 1024;

/** Prefers nodes that have the pod's images, by their size. */
export const imageLocality: ScorePlugin = {
  name: "ImageLocality",
  weight: 1,
  prepare(pod, snapshot, feasible) {
    const names = pod.pod.spec.containers.map((container) => fullName(container.image ?? ""));
    const holders = (name: string): number =>
      feasible.filter((slot) => snapshot.node(slot)?.images.has(name) === true).length;
    // An image that few nodes have counts less, so that not all its pods pile up on them.
    const spread = new Map(
      names.map((name) => [name, holders(name) / Math.max(1, feasible.length)]),
    );
    if ([...spread.values()].every((share) => share === 0)) return undefined;
    return {
      score(slot) {
        const images = snapshot.node(slot)?.images;
        let bytes = 0;
        for (const name of names) bytes += (images?.get(name) ?? 0) * (spread.get(name) ?? 0);
        const max = SIZE_MAX * names.length;
        return (
          (SCORE_MAX * (Math.min(Math.max(bytes, SIZE_MIN), max) - SIZE_MIN)) / (max - SIZE_MIN)
        );
      },
    };
  },
};

/** Nodes report images by their full names, pods may leave parts out. */
function fullName(image: string): string {
  const hasTag = /:[^/]+$/.test(image) || image.includes("@");
  const tagged = hasTag ? image : `${image}:latest`;
  const [first = ""] = tagged.split("/");
  if (tagged.includes("/") && /[.:]|^localhost$/.test(first)) return tagged;
  return tagged.includes("/") ? `docker.io/${tagged}` : `docker.io/library/${tagged}`;
}
