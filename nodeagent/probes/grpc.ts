/** The gRPC health protocol, grpc.health.v1: two messages of one field each, so written out by hand. */
import { Client, credentials } from "@grpc/grpc-js";
import type { CheckResult } from "./check.ts";

const METHOD = "/grpc.health.v1.Health/Check";
const STRING_FIELD_1 = 0x0a;
const ENUM_FIELD_1 = 0x08;
const SERVING = 1;

export function checkGrpc(
  address: string,
  service: string,
  signal: AbortSignal,
): Promise<CheckResult> {
  const client = new Client(address, credentials.createInsecure());
  return new Promise<CheckResult>((resolve, reject) => {
    const call = client.makeUnaryRequest(METHOD, encode, decode, service, (error, status) => {
      if (error !== null) {
        reject(new Error(`gRPC health check of ${address}: ${error.details}`));
        return;
      }
      const isGood = status === SERVING;
      const message = isGood ? "" : `service unhealthy (responded with ${status})`;
      resolve({ isGood, message });
    });
    signal.addEventListener("abort", () => call.cancel(), { once: true });
  }).finally(() => client.close());
}

/** `HealthCheckRequest { string service = 1; }` Names are shorter than 128 bytes, so the length is one byte. */
function encode(service: string): Buffer {
  const text = Buffer.from(service).subarray(0, 127);
  return Buffer.concat([Buffer.from([STRING_FIELD_1, text.length]), text]);
}

/** `HealthCheckResponse { ServingStatus status = 1; }` */
function decode(bytes: Buffer): number {
  return bytes[0] === ENUM_FIELD_1 ? (bytes[1] ?? 0) : 0;
}
