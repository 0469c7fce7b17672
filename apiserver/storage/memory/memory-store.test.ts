import { storeContract } from "../contract.ts";
import { storeModelContract } from "../contract-model.ts";
import { TestClock } from "../test-clock.ts";
import { MemoryStore } from "./memory-store.ts";

const open = async () => {
  const clock = new TestClock();
  const store = new MemoryStore(clock);
  return {
    store,
    pass: async (seconds: number) => clock.advance(seconds * 1000),
    dispose: () => store.close(),
  };
};

storeContract("memory", open);
storeModelContract("memory", open);
