/// Version of the adapter protocol (proto/baton/v1/adapter.proto, registry.proto).
enum AdapterProtocol {
  static let version: Int32 = 1
}
