import { down as end } from "../../naru/down.ts";
import { layoutOf } from "../../naru/layout.ts";
import { LiveLine } from "../print/live-line.ts";
import type { Surroundings } from "../session.ts";
import { requireRoot } from "./require-root.ts";

export async function down(
  surroundings: Surroundings,
  command: { readonly dataDir: string },
): Promise<void> {
  requireRoot("naru down");
  const { clock, terminal } = surroundings;
  using line = new LiveLine(terminal);
  const layout = layoutOf(command.dataDir);
  const there = await end({ layout, clock, progress: (text) => line.show(text) });
  line.end(
    there ? "cluster is down, nothing of it is left" : `there is no cluster in ${layout.dataDir}`,
  );
}
