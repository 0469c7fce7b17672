/**
 * What a node's agent asks of its supervisor, over a unix socket that only root may open. Every call with one answer may
 * be made again after a crash on either side: what already is, is answered as it is.
 */
import {
  ContainerEvent,
  ContainerReply,
  ContainerRequest,
  CreateSandboxRequest,
  EventsRequest,
  HelloReply,
  HelloRequest,
  KillContainerReply,
  KillContainerRequest,
  LimitReply,
  LimitRequest,
  ListReply,
  ListRequest,
  NetlinkReply,
  NetlinkRequest,
  NftablesReply,
  NftablesRequest,
  ProcessInput,
  ProcessOutput,
  RemoveReply,
  RestartReply,
  RestartRequest,
  SandboxReply,
  SandboxRequest,
  StartContainerRequest,
  StatsReply,
  StopReply,
  StopRequest,
  WriteSysctlReply,
  WriteSysctlRequest,
} from "#services/supervisor";
import type { Message, Method } from "./channel/method.ts";

export const METHODS = {
  /** Answers once the supervisor has taken over what it found in its state directory. */
  hello: method("hello", HelloRequest, HelloReply),
  /** A planned restart: the supervisor becomes a new one under the same process id and keeps its children. */
  restart: method("restart", RestartRequest, RestartReply),
  /** Ends the supervisor. Containers run on. */
  stop: method("stop", StopRequest, StopReply),

  createSandbox: method("createSandbox", CreateSandboxRequest, SandboxReply),
  removeSandbox: method("removeSandbox", SandboxRequest, RemoveReply),
  startContainer: method("startContainer", StartContainerRequest, ContainerReply),
  limitSandbox: method("limitSandbox", LimitRequest, LimitReply),
  limitContainer: method("limitContainer", LimitRequest, LimitReply),
  killContainer: method("killContainer", KillContainerRequest, KillContainerReply),
  removeContainer: method("removeContainer", ContainerRequest, RemoveReply),
  list: method("list", ListRequest, ListReply),
  stats: method("stats", ContainerRequest, StatsReply),
  /** A stream: the state of every container that is, then each change. */
  events: method("events", EventsRequest, ContainerEvent),

  /** Streams of a process. The first message from the caller says what is wanted; the first answer is `started`. */
  exec: method("exec", ProcessInput, ProcessOutput),
  attach: method("attach", ProcessInput, ProcessOutput),
  dial: method("dial", ProcessInput, ProcessOutput),

  /** Raw rtnetlink messages, each sent when the one before was acknowledged; the first refusal ends the run. */
  netlink: method("netlink", NetlinkRequest, NetlinkReply),
  /** Commands in nft's language, applied as one transaction by libnftables. */
  nftables: method("nftables", NftablesRequest, NftablesReply),
  writeSysctl: method("writeSysctl", WriteSysctlRequest, WriteSysctlReply),
} as const;

function method<Request, Reply>(
  name: string,
  request: Message<Request>,
  reply: Message<Reply>,
): Method<Request, Reply> {
  return { name, request, reply };
}
