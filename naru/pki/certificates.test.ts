import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Clock } from "#lib/clock";
import { ensureCertificates } from "./certificates.ts";

const DAY_MS = 24 * 3600 * 1000;

function clockAt(nowMs: number): Clock {
  return { nowMs: () => nowMs, monotonicMs: () => nowMs, after: () => () => {} };
}

function inDirectory(run: (directory: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const directory = mkdtempSync(join(tmpdir(), "naru-pki-"));
    try {
      await run(directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  };
}

test(
  "ensureCertificates() keeps what is good and renews after two thirds of its life",
  inDirectory(async (directory) => {
    const at = async (nowMs: number, serverNames: string[]): Promise<string> => {
      const made = await ensureCertificates({
        directory,
        serverNames,
        nodeNames: ["node-1"],
        clock: clockAt(nowMs),
      });
      return readFileSync(made.server.certificatePath, "utf8");
    };
    const start = Date.UTC(2026, 0, 1);
    const first = await at(start, ["127.0.0.1"]);
    assert.equal(await at(start + 240 * DAY_MS, ["127.0.0.1"]), first);
    assert.notEqual(await at(start + 250 * DAY_MS, ["127.0.0.1"]), first);
  }),
);

test(
  "ensureCertificates() makes a new server certificate when a name is missing",
  inDirectory(async (directory) => {
    const make = async (serverNames: string[]): Promise<X509Certificate> => {
      const options = {
        directory,
        serverNames,
        nodeNames: [],
        clock: clockAt(Date.UTC(2026, 0, 1)),
      };
      const { server } = await ensureCertificates(options);
      return new X509Certificate(readFileSync(server.certificatePath));
    };
    assert.equal((await make(["localhost"])).checkIP("10.0.0.1"), undefined);
    assert.equal((await make(["localhost", "10.0.0.1"])).checkIP("10.0.0.1"), "10.0.0.1");
  }),
);

test(
  "ensureCertificates() puts users and groups where the API server reads them",
  inDirectory(async (directory) => {
    const options = {
      directory,
      serverNames: [],
      nodeNames: ["n1"],
      clock: clockAt(Date.UTC(2026, 0, 1)),
    };
    const { nodes, authority } = await ensureCertificates(options);
    const certificate = new X509Certificate(readFileSync(nodes.get("n1")?.certificatePath ?? ""));
    assert.equal(certificate.subject, "O=system:nodes\nCN=system:node:n1");
    assert.ok(certificate.verify(new X509Certificate(authority.certificate).publicKey));
  }),
);
