import { after, before, describe } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { silentLogger } from "#lib/logger";
import { systemClock } from "#lib/system-clock";
import { storeContract } from "../contract.ts";
import { storeModelContract } from "../contract-model.ts";
import { EtcdStore } from "./etcd-store.ts";
import { startTestEtcd, type TestEtcd, whyNoEtcd } from "./test-etcd.ts";

const missing = whyNoEtcd();

describe("etcd", { skip: missing ?? false }, () => {
  let etcd: TestEtcd | undefined;
  before(async () => {
    etcd = await startTestEtcd();
  });
  after(() => etcd?.remove());

  const open = async () => {
    const endpoints = [etcd?.url ?? ""];
    const store = await EtcdStore.open({ endpoints, clock: systemClock, logger: silentLogger });
    return {
      store,
      pass: (seconds: number) => delay(seconds * 1000),
      dispose: () => store.close(),
    };
  };
  storeContract("etcd", open);
  storeModelContract("etcd", open);
});
