/// The version of this build.
public enum BatonVersion {
  public static let current = "0.1.0"
  /// Of the adapter protocol (proto/baton/v1/adapter.proto, registry.proto).
  public static let adapterProtocol: Int32 = 1
}
