import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DEFAULT_MOUNTS } from "../oci-defaults.ts";
import type { ExecProcess, ProcessStreams } from "../runtime.ts";
import { startTestNode, type TestNode, whyNoRuntimeTests } from "../test-node.ts";

const skip = whyNoRuntimeTests() ?? false;
const options = { skip, timeout: 20_000 };

let node: TestNode;
before(async () => {
  if (skip !== false) return;
  node = await startTestNode("streams");
  await node.client.createSandbox(node.sandbox("pod"));
  await node.client.startContainer(node.container("target", ["sleep", "1000"]));
});
after(async () => {
  if (skip === false) await node.remove();
});

interface Result {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
}

async function exec(script: string, input?: string, tty = false): Promise<Result> {
  const process = await node.client.exec({
    containerId: "target",
    command: ["sh", "-c", script],
    tty,
    stdin: input !== undefined,
  });
  if (input !== undefined) {
    await process.write(Buffer.from(input));
    process.closeStdin();
  }
  return resultOf(process);
}

async function resultOf(process: ExecProcess): Promise<Result> {
  const text = { stdout: "", stderr: "" };
  for await (const { stream, data } of process.output) text[stream] += Buffer.from(data).toString();
  return { out: text.stdout, err: text.stderr, exitCode: await process.exitCode };
}

test("exec() runs in the container's namespaces, with its rights", options, async () => {
  const script =
    "hostname; echo $$; grep -E 'CapEff|Seccomp:|NoNewPrivs' /proc/self/status; cat /proc/self/cgroup";
  const { out, exitCode } = await exec(`${script}; exit 3`);
  assert.equal(exitCode, 3);
  assert.match(out, /^pod\n/);
  assert.match(out, /CapEff:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t2/);
  assert.ok(!out.includes("naru-test"), out);
});

test("exec() keeps the streams apart and passes input on", options, async () => {
  const { out, err, exitCode } = await exec("cat; echo problem >&2", "line 1\nline 2\n");
  assert.deepEqual(
    { out, err, exitCode },
    { out: "line 1\nline 2\n", err: "problem\n", exitCode: 0 },
  );
});

test("exec() moves megabytes both ways without loss", options, async () => {
  const process = await node.client.exec({
    containerId: "target",
    command: ["sh", "-c", "tr a-z A-Z | wc -c; seq 1 200000"],
    tty: false,
    stdin: true,
  });
  const reading = resultOf(process);
  for (let i = 0; i < 64; i++) await process.write(Buffer.alloc(65_536, "x"));
  process.closeStdin();
  const { out } = await reading;
  const lines = out.trim().split("\n");
  assert.equal(lines[0], String(64 * 65_536));
  assert.equal(lines.at(-1), "200000");
  assert.equal(lines.length, 200_001);
});

test("exec() names the step that failed, and a signal's exit code", options, async () => {
  const config = { containerId: "target", command: ["nope"], tty: false, stdin: false };
  await assert.rejects(node.client.exec(config), /exec "nope": ENOENT \(executable file not found/);
  assert.equal((await exec("kill -9 $$")).exitCode, 137);
});

test("exec() with a terminal has its size, name and end", options, async () => {
  const process = await node.client.exec({
    containerId: "target",
    command: ["sh", "-i"],
    tty: true,
    stdin: true,
  });
  const output = process.output[Symbol.asyncIterator]();
  let out = "";
  const readUntil = async (text: string): Promise<void> => {
    while (!out.includes(text)) {
      const { done, value } = await output.next();
      assert.ok(done !== true, `ended before ${text}: ${out}`);
      out += Buffer.from(value.data).toString();
    }
  };
  process.resize(100, 40);
  await process.write(Buffer.from("tty; echo TERM=$TERM; stty size\n"));
  await readUntil("40 100");
  process.resize(132, 50);
  await process.write(Buffer.from("stty size; exit 5\n"));
  await readUntil("50 132");
  assert.equal(await process.exitCode, 5);
  assert.match(out, /\/dev\/pts\/0/);
  assert.match(out, /TERM=xterm/);
});

test(
  "exec() with a terminal keeps what a process writes just before its end",
  options,
  async () => {
    for (const lines of [1, 10, 100, 1000, 10_000]) {
      for (let round = 0; round < 20; round++) {
        const { out } = await exec(`seq 1 ${lines}`, undefined, true);
        assert.equal(out.split("\r\n").length, lines + 1, `${lines} lines, round ${round}`);
      }
    }
  },
);

test("abort() ends the process", options, async () => {
  const process = await node.client.exec({
    containerId: "target",
    command: ["sh", "-c", "echo begin; sleep 555"],
    tty: false,
    stdin: false,
  });
  for await (const { data } of process.output) {
    assert.equal(Buffer.from(data).toString(), "begin\n");
    break;
  }
  process.abort();
  for (let i = 0; i < 100; i++) {
    if (!(await exec("ps -o args | cat")).out.includes("sleep 555")) return;
  }
  assert.fail("the process still runs");
});

async function until(streams: ProcessStreams, wanted: RegExp): Promise<string> {
  let text = "";
  for await (const { data } of streams.output) {
    text += Buffer.from(data).toString();
    if (wanted.test(text)) return text;
  }
  return text;
}

test("attach() serves several clients, and the log besides", options, async () => {
  await node.client.startContainer(
    node.container("cat", ["sh", "-c", "while read x; do echo got $x; done; echo over"], {
      stdin: true,
    }),
  );
  const first = await node.client.attach("cat");
  const second = await node.client.attach("cat");
  await first.write(Buffer.from("one\n"));
  assert.match(await until(second, /got one\n/), /got one/);
  // Without stdinOnce the input outlives the client.
  first.abort();
  await second.write(Buffer.from("two\n"));
  const third = await node.client.attach("cat");
  await third.write(Buffer.from("three\n"));
  assert.match(await until(third, /got three\n/), /got three/);
  assert.equal(node.logOf("cat"), "got one\ngot two\ngot three\n");
  await node.client.removeContainer("cat");
});

test("attach() with stdinOnce ends the input with the client", options, async () => {
  await node.client.startContainer(
    node.container("once", ["sh", "-c", "cat; echo over"], { stdin: true, stdinOnce: true }),
  );
  const streams = await node.client.attach("once");
  await streams.write(Buffer.from("text\n"));
  streams.closeStdin();
  assert.match(await until(streams, /over\n/), /text\nover\n/);
  await node.ended("once");
});

test("a container with a terminal has one", options, async () => {
  const config = node.container("tty", ["sh"], { tty: true, stdin: true });
  await node.client.startContainer(config);
  const streams = await node.client.attach("tty");
  streams.resize(90, 30);
  await streams.write(Buffer.from("tty; stty size; exit 4\n"));
  const text = await until(streams, /30 90\r\n/);
  assert.match(text, /\/dev\/console/);
  const state = await node.ended("tty");
  assert.equal(state.at === "exited" && state.exitCode, 4);
});

test(
  "dial() reaches a port of the pod's loopback, and says when nobody listens",
  options,
  async () => {
    const up = "ip link set lo up; httpd -p 127.0.0.1:8080 -h /etc -f";
    const oci = node.container("x", []).oci;
    const admin = [...oci.process.capabilities.bounding, "CAP_NET_ADMIN"];
    await node.client.startContainer(
      node.container("web", [], {
        oci: {
          ...oci,
          mounts: DEFAULT_MOUNTS,
          process: {
            ...oci.process,
            args: ["sh", "-c", `echo page > /etc/page.html; ${up}`],
            capabilities: {
              bounding: admin,
              effective: admin,
              permitted: admin,
              inheritable: [],
              ambient: [],
            },
          },
        },
      }),
    );
    const streams = await dialUntilUp(8080);
    await streams.write(Buffer.from("GET /page.html HTTP/1.0\r\n\r\n"));
    assert.match(await until(streams, /page\n$/), /200 OK[\s\S]*page\n/);
    await assert.rejects(node.client.dial("pod", 8081), /ECONNREFUSED/);
  },
);

async function dialUntilUp(port: number): Promise<ProcessStreams> {
  for (let i = 0; ; i++) {
    try {
      return await node.client.dial("pod", port);
    } catch (error) {
      if (i > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

test(
  "netlink(), nftables() and writeSysctl() act in the namespace that they are given",
  options,
  async () => {
    const { sandboxes } = await node.client.list();
    const netns = sandboxes[0]?.sandbox.netnsPath;
    assert.ok(netns !== undefined);
    // RTM_NEWLINK of a dummy device d0: ifinfomsg, IFLA_IFNAME, IFLA_LINKINFO { IFLA_INFO_KIND }.
    const attribute = (type: number, data: Buffer): Buffer => {
      const bytes = Buffer.alloc((4 + data.length + 3) & ~3);
      bytes.writeUInt16LE(4 + data.length, 0);
      bytes.writeUInt16LE(type, 2);
      data.copy(bytes, 4);
      return bytes;
    };
    const header = Buffer.alloc(32);
    header.writeUInt16LE(16, 4);
    header.writeUInt16LE(0x600, 6);
    const link = Buffer.concat([
      header,
      attribute(3, Buffer.from("d0\0")),
      attribute(18, attribute(1, Buffer.from("bridge\0"))),
    ]);
    const results = await node.client.netlink([link, link], netns);
    assert.deepEqual(
      results.map(({ errno }) => errno),
      [0, 17],
    );
    assert.match((await exec("ls /sys/class/net")).out, /d0/);
    await node.client.writeSysctl("net.ipv4.ip_forward", "1", netns);
    assert.equal((await exec("cat /proc/sys/net/ipv4/ip_forward")).out, "1\n");
    const { ok, error, output } = await node.client.nftables("add table ip t; list tables", netns);
    if (!ok && error.includes("libnftables1")) return;
    assert.equal(error, "");
    assert.match(output, /table ip t/);
  },
);
