/** The container cannot be made as its pod describes it; with Kubernetes' waiting reason. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly reason: "CreateContainerConfigError" | "CreateContainerError";

  constructor(message: string, reason: ConfigError["reason"] = "CreateContainerConfigError") {
    super(message);
    this.reason = reason;
  }
}
