/// All files of a run, checked: what is in here can be generated.
struct Schema {
  /// The files to generate, in the order of protoc's command line.
  let files: [ProtoFile]
  /// Imported files too, each after those that it imports.
  let allFiles: [ProtoFile]
  /// Every message and enum, imported ones included, by full name.
  private(set) var messages: [String: ProtoMessage] = [:]
  private(set) var enums: [String: ProtoEnum] = [:]
  /// Package of every message and enum, by full name.
  private var packages: [String: String] = [:]

  init(_ all: [ProtoFile]) throws(GenerationError) {
    allFiles = all
    files = all.filter { $0.outputIndex != nil }
      .sorted { ($0.outputIndex ?? 0) < ($1.outputIndex ?? 0) }
    for file in all {
      for message in file.messages { add(message, file.package) }
      for value in file.enums { add(value, file.package) }
    }
    for file in files { try Checks(schema: self, file: file).run() }
  }

  private mutating func add(_ message: ProtoMessage, _ package: String) {
    messages[message.fullName] = message
    packages[message.fullName] = package
    for nested in message.messages { add(nested, package) }
    for value in message.enums { add(value, package) }
  }

  private mutating func add(_ value: ProtoEnum, _ package: String) {
    enums[value.fullName] = value
    packages[value.fullName] = package
  }

  /// "grpc.health.v1.HealthCheckResponse.ServingStatus" ->
  /// "GrpcHealthV1.HealthCheckResponse.ServingStatus".
  func swiftType(_ fullName: String) -> String {
    let package = packages[fullName] ?? ""
    let local = package.isEmpty ? fullName : String(fullName.dropFirst(package.count + 1))
    let parts = local.split(separator: ".").map { SwiftName.escaped(String($0)) }
    return ([SwiftName.namespace(package)] + parts).joined(separator: ".")
  }

  /// The service's name; with its package before it where another service of the run has the
  /// same, as two versions of a service have.
  func swiftName(_ service: ProtoService) -> String {
    let namesakes = files.flatMap(\.services).filter { $0.name == service.name }
    guard namesakes.count > 1 else { return service.name }
    return SwiftName.namespace(String(service.fullName.dropLast(service.name.count + 1)))
      + service.name
  }

  /// The key and value fields of a map field; nil for any other field.
  func mapEntry(_ field: ProtoField) -> (key: ProtoField, value: ProtoField)? {
    guard field.kind == .message, let entry = messages[field.typeName], entry.isMapEntry,
      entry.fields.count == 2
    else { return nil }
    return (entry.fields[0], entry.fields[1])
  }
}
