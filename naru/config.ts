/** What `naru up` decides, and its programs read: JSON files in the data directory. */
import type { PluginChoice } from "../apiserver/admission/choice.ts";
import type { Batching } from "../apiserver/audit/webhook/webhook-sink.ts";
import type { OidcSettings } from "../apiserver/authn/oidc.ts";

/** Kubernetes' flags about who is let in; paths are absolute. */
export interface AuthenticationConfig {
  readonly tokenAuthFile?: string;
  readonly oidc?: OidcSettings & {
    /** Path of a PEM file; the system's own authorities if left out. */
    readonly caFile?: string;
  };
}

/** Which of Kubernetes' admission plugins run, besides those that do by themselves, and which of these do not. */
export type AdmissionConfig = PluginChoice;

/** Kubernetes' flags about the audit log; paths are absolute. */
export interface AuditConfig {
  readonly policyFile: string;
  readonly log?: {
    /** `-` is standard output. */
    readonly path: string;
    /** 0 keeps rotated files however old they are. */
    readonly maxAgeDays: number;
    /** 0 keeps them however many they are. */
    readonly maxBackups: number;
    readonly maxSizeMegabytes: number;
  };
  readonly webhook?: {
    /** A kubeconfig that says how the receiver is reached. */
    readonly configFile: string;
    readonly batching: Partial<Batching>;
  };
}

export interface ServerConfig {
  readonly dataDir: string;
  /** `embedded`, `memory`, or etcd's addresses. */
  readonly datastore: string;
  /** Address that clients and nodes reach the server by. */
  readonly host: string;
  readonly restPort: number;
  readonly grpcPort: number;
  readonly serviceCidr: string;
  readonly tls: {
    readonly authority: string;
    readonly authorityKey: string;
    readonly certificate: string;
    readonly key: string;
  };
  /** How extension API servers know this one. */
  readonly frontProxy: {
    readonly authorityPath: string;
    readonly certificatePath: string;
    readonly keyPath: string;
  };
  /** Path of the PEM file of the key that signs service accounts' tokens. */
  readonly tokenKey: string;
  readonly authentication?: AuthenticationConfig;
  readonly audit?: AuditConfig;
  readonly admission?: AdmissionConfig;
  /** Path of an EncryptionConfiguration: what the store keeps encrypted. */
  readonly encryptionProviderConfig?: string;
  /** For programs that run alone and reach the API server over gRPC. */
  readonly client?: { readonly certificate: string; readonly key: string };
  /** Silence after which a node counts as lost; Kubernetes' 40 s if absent. */
  readonly nodeGraceMs?: number;
}

export interface AgentConfig {
  readonly nodeName: string;
  readonly stateDir: string;
  readonly clusterId: string;
  /** `host:port` of the gRPC front. */
  readonly server: string;
  /** Paths of PEM files. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  /** The node's own address. */
  readonly ip: string;
  /** It lives in a network namespace of its own, beside other nodes of this machine. */
  readonly hasOwnNetwork: boolean;
  readonly podCidr: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly dnsIp: string;
  /** Below each cgroup hierarchy's root. */
  readonly cgroup: string;
  /** Where images are offered to the command line. */
  readonly imagesSocket: string;
  /** How often the node tells that it lives; 10 s if absent. */
  readonly renewMs?: number;
  /** Registries that are spoken to without TLS, besides loopback. */
  readonly plainHttpRegistries: readonly string[];
}
