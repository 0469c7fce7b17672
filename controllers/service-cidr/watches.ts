import { Controller } from "#client";
import { ipAddresses, serviceCidrs } from "#resources";
import type { ControllerContext, StartedController } from "../context.ts";
import { planServiceCidr } from "./plan.ts";

/** Says which ranges addresses may come from, and holds one that is to go until no address would be left outside. */
export function serviceCidrController(context: ControllerContext): StartedController {
  const { client, clock, informers } = context;
  const ranges = informers.of(serviceCidrs).store;
  const addresses = informers.of(ipAddresses).store;
  const controller = new Controller({
    ...context,
    name: "service-cidrs",
    async reconcile(name) {
      const range = ranges.get(name);
      if (range === undefined) return undefined;
      const step = planServiceCidr({
        range,
        ranges: [...ranges.values()],
        addresses: [...addresses.values()],
        nowMs: clock.nowMs(),
      });
      if (step.kind === "write") await client.update(serviceCidrs, step.range);
      if (step.kind === "write-status") await client.updateStatus(serviceCidrs, step.range);
      return step.kind === "wait" ? step.ms : undefined;
    },
  });
  /** Those that wait for their end wait for addresses to go, or for another range that holds them. */
  const wakeWaiting = (): void => {
    for (const { metadata } of ranges.values())
      if (metadata.deletionTimestamp !== undefined) controller.add(metadata.name);
  };
  informers.of(serviceCidrs).onKey((name) => {
    controller.add(name);
    wakeWaiting();
  });
  informers.of(ipAddresses).onChange((_before, after) => {
    if (after === undefined) wakeWaiting();
  });
  return controller;
}
