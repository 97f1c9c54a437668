/// What the rules look at: the manifest, the page with the table, and the files of Sources/ by
/// their path below it.
struct SourceTree {
  var manifest: String
  var architecture: String
  var files: [String: String]
}

/// Rooms that are values and functions alone: no Foundation, no time, no randomness.
private let pureRooms: Set<String> = ["JSON", "Plan", "Engine"]
/// Rooms that serve any framework, and so name none.
private let neutralRooms: Set<String> = ["Engine", "Store", "Queue", "Orchestrator"]
private let frameworks = ["crewai", "langchain"]
private let platformModules: Set<String> = [
  "Swift", "Foundation", "FoundationEssentials", "Glibc", "Musl", "Darwin", "Dispatch",
  "Synchronization",
]
/// Of a clock or of a source of random numbers.
private let impureIdentifiers: Set<Substring> = [
  "Date", "Clock", "ContinuousClock", "SuspendingClock", "DispatchTime", "clock_gettime",
  "gettimeofday", "sleep", "random", "randomElement", "shuffle", "shuffled", "arc4random",
  "SystemRandomNumberGenerator", "UUID",
]

/// Every breach of the rules, as sentences; empty when all is well.
func breaches(in tree: SourceTree) -> [String] {
  let table = roomTable(tree.architecture)
  let rooms = Dictionary(table.map { ($0.name, $0) }) { first, _ in first }
  let targets = manifestTargets(tree.manifest)
  let importers = importsByRoom(tree.files)
  let cModules = cModules(tree.files)
  var breaches = cyclesOf(table)
  for name in Set(importers.keys).subtracting(rooms.keys).sorted() {
    breaches.append("\(name) is a folder of Sources and has no row in docs/architecture.md")
  }
  for room in table {
    let target = targets.first { $0.name == room.name }
    if importers[room.name] != nil, target == nil {
      breaches.append("\(room.name) is a folder of Sources and no target of Package.swift")
    }
    breaches += dependencyBreaches(room, target)
    breaches += importBreaches(room, importers[room.name] ?? [], target, rooms: rooms)
  }
  breaches += libraryBreaches(table, importers, cModules)
  for (path, text) in tree.files.sorted(by: { $0.key < $1.key }) {
    breaches += contentBreaches(path, text)
  }
  return breaches
}

private func roomName(_ path: String) -> String { String(path.prefix { $0 != "/" }) }

/// An import and the file that it stands in.
private struct Import {
  var module: String
  var path: String
}

private func importsByRoom(_ files: [String: String]) -> [String: [Import]] {
  var imports: [String: [Import]] = [:]
  for (path, text) in files.sorted(by: { $0.key < $1.key }) where path.hasSuffix(".swift") {
    imports[roomName(path), default: []] += SwiftSource(text).imports.map {
      Import(module: $0, path: path)
    }
  }
  return imports
}

/// The folders of Sources without a Swift file.
private func cModules(_ files: [String: String]) -> Set<String> {
  Set(files.keys.map(roomName))
    .subtracting(files.keys.filter { $0.hasSuffix(".swift") }.map(roomName))
}

private func dependencyBreaches(_ room: Room, _ target: ManifestTarget?) -> [String] {
  (target?.dependencies ?? [])
    .filter { !room.rooms.contains($0) && !room.libraries.contains($0) }
    .map { "Package.swift: \(room.name) may not depend on \($0)" }
}

private func importBreaches(
  _ room: Room, _ imports: [Import], _ target: ManifestTarget?, rooms: [String: Room]
) -> [String] {
  imports.compactMap { entry in
    let module = entry.module
    if platformModules.contains(module) {
      return pureRooms.contains(room.name) && module != "Swift"
        ? "\(entry.path): \(room.name) may not import \(module)" : nil
    }
    guard room.rooms.contains(module) || room.libraries.contains(module) else {
      return "\(entry.path): \(room.name) may not import \(module)"
    }
    if rooms[module] != nil, let target, !target.dependencies.contains(module) {
      return "\(entry.path): Package.swift does not say that \(room.name) depends on \(module)"
    }
    return nil
  }
}

/// A C module has one room in the table, and in it one folder that imports it.
private func libraryBreaches(
  _ table: [Room], _ importers: [String: [Import]], _ cModules: Set<String>
) -> [String] {
  cModules.sorted().flatMap { module -> [String] in
    let owners = table.filter { $0.libraries.contains(module) }.map(\.name)
    if owners.count != 1 {
      return ["\(module) has \(owners.count) importers in docs/architecture.md, not one"]
    }
    let imports = importers[owners[0]] ?? []
    let folders = Set(imports.filter { $0.module == module }.map { folder($0.path) })
    return folders.count > 1
      ? ["\(module) is imported in \(folders.sorted().joined(separator: " and "))"] : []
  }
}

/// Generated files stand for the folder above them.
private func folder(_ path: String) -> String {
  var parts = path.split(separator: "/").dropLast()
  if parts.last == "Generated" { parts.removeLast() }
  return parts.joined(separator: "/")
}

private func contentBreaches(_ path: String, _ text: String) -> [String] {
  var breaches: [String] = []
  let room = roomName(path)
  if pureRooms.contains(room), path.hasSuffix(".swift") {
    breaches += SwiftSource(text).identifiers.intersection(impureIdentifiers).sorted().map {
      "\(path): \(room) may not use \($0): time and randomness are given to it"
    }
  }
  if path.hasSuffix(".swift"), SwiftSource(text).identifiers.contains("Mutex") {
    breaches.append("\(path): \(room) may not use Mutex but NIOLockedValueBox")
  }
  if neutralRooms.contains(room) {
    let lowercased = text.lowercased()
    breaches += frameworks.filter { lowercased.contains($0) }.map {
      "\(path): \(room) serves any framework and may not name \($0)"
    }
  }
  return breaches
}

/// Imports go downwards only: whatever can be peeled off without dependencies left is in order.
private func cyclesOf(_ table: [Room]) -> [String] {
  var remaining = table
  while true {
    let names = Set(remaining.map(\.name))
    let next = remaining.filter { !$0.rooms.isDisjoint(with: names) }
    if next.isEmpty { return [] }
    if next.count == remaining.count {
      let circle = next.map(\.name).sorted().joined(separator: ", ")
      return ["docs/architecture.md: the rooms \(circle) stand in a circle"]
    }
    remaining = next
  }
}
