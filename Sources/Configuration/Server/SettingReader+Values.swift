internal import JSON
internal import Plan

/// Values that one setting alone has.
extension SettingReader {
  mutating func truth(_ value: JSONValue) -> Bool? {
    guard let text = text(value) else { return nil }
    switch text {
    case "true": return true
    case "false": return false
    default:
      refuse("expected true or false, not \(Self.shown(text))")
      return nil
    }
  }

  /// A text that is not empty.
  mutating func path(_ value: JSONValue) -> String? {
    guard let text = text(value) else { return nil }
    if text.isEmpty { refuse("the text is empty; take the line out") }
    return text.isEmpty ? nil : text
  }

  /// `host:port` or `unix:PATH`.
  mutating func address(_ value: JSONValue) -> String? {
    guard let text = text(value) else { return nil }
    if text.hasPrefix("unix:") {
      if text.utf8.count > "unix:".utf8.count { return text }
      refuse("the path is missing; write unix:PATH")
      return nil
    }
    return hostAndPort(value)
  }

  mutating func hostAndPort(_ value: JSONValue) -> String? {
    guard let text = text(value) else { return nil }
    if HostAndPort(text) != nil { return text }
    refuse(
      "\(Self.shown(text)) is no address; write host:port with a port from 0 to 65535, "
        + "such as 127.0.0.1:7420 or [::1]:7420")
    return nil
  }

  mutating func store(_ value: JSONValue) -> StoreLocation? {
    guard let text = text(value) else { return nil }
    if text == "memory" { return .memory }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2, parts[0] == "sqlite" {
      if !parts[1].isEmpty { return .sqlite(path: String(parts[1])) }
      refuse("the path is missing; write sqlite:PATH")
    } else if ["json", "postgres", "postgresql"].contains(parts[0]) {
      refuse("\(Self.shown(String(parts[0]))) is not in this version; write sqlite:PATH or memory")
    } else {
      refuse("\(Self.shown(text)) is no store; write sqlite:PATH or memory")
    }
    return nil
  }

  mutating func routes(_ value: JSONValue) -> [String: [String]]? {
    let before = mistakes.count
    var routes: [String: [String]] = [:]
    for member in members(value) {
      let place = ".\(member.key)"
      _ = name(.string(member.key), at: place)
      let list = elements(member.value, at: place)
      if list.isEmpty, case .array = member.value {
        refuse("an empty route; name at least one adapter or take the line out", at: place)
      }
      var adapters: [String] = []
      for (index, element) in list.enumerated() {
        guard let adapter = name(element, at: "\(place)[\(index)]") else { continue }
        if adapters.contains(adapter) {
          refuse("\(adapter) is on this route already", at: "\(place)[\(index)]")
        }
        adapters.append(adapter)
      }
      routes[member.key] = adapters
    }
    return mistakes.count == before ? routes : nil
  }

  mutating func perAdapter(_ value: JSONValue) -> [String: Int]? {
    let before = mistakes.count
    var limits: [String: Int] = [:]
    for member in members(value) {
      let place = ".\(member.key)"
      _ = name(.string(member.key), at: place)
      if let limit = integer(member.value, in: 1...1_000_000, at: place) {
        limits[member.key] = Int(limit)
      }
    }
    return mistakes.count == before ? limits : nil
  }

  mutating func budgets(_ value: JSONValue) -> [String: NamespaceBudget]? {
    let before = mistakes.count
    var budgets: [String: NamespaceBudget] = [:]
    for member in members(value) {
      _ = name(.string(member.key), at: ".\(member.key)")
      budgets[member.key] = budget(member.value, at: ".\(member.key)")
    }
    return mistakes.count == before ? budgets : nil
  }

  private mutating func budget(_ value: JSONValue, at place: String) -> NamespaceBudget {
    var budget = NamespaceBudget()
    for member in members(value, at: place) {
      let place = "\(place).\(member.key)"
      switch member.key {
      case "tokens": budget.budget.tokens = limit(member.value, at: place)
      case "soft_tokens": budget.budget.softTokens = limit(member.value, at: place)
      case "tasks": budget.budget.tasks = limit(member.value, at: place)
      case "soft_tasks": budget.budget.softTasks = limit(member.value, at: place)
      case "period":
        budget.periodMilliseconds = duration(member.value, atLeast: 1_000, at: place)
      default:
        refuse(
          "unknown field; known here: tokens, soft_tokens, tasks, soft_tasks, period", at: place)
      }
    }
    return budget
  }

  private mutating func limit(_ value: JSONValue, at place: String) -> Int64? {
    integer(value, in: 1...1_000_000_000_000_000, at: place)
  }

  /// What is left out stays as it is in `base`.
  mutating func rate(
    _ value: JSONValue, startingFrom base: FloodSettings.Rate
  ) -> FloodSettings.Rate? {
    let before = mistakes.count
    var rate = base
    for member in members(value) {
      let place = ".\(member.key)"
      switch member.key {
      case "burst":
        if let number = integer(member.value, in: 1...1_000_000, at: place) {
          rate.burst = Int(number)
        }
      case "per_second":
        if let number = integer(member.value, in: 1...1_000_000, at: place) {
          rate.perSecond = Int(number)
        }
      default:
        refuse("unknown field; known here: burst, per_second", at: place)
      }
    }
    return mistakes.count == before ? rate : nil
  }

  mutating func processes(_ value: JSONValue) -> [DevelopmentProcess]? {
    let before = mistakes.count
    var processes: [DevelopmentProcess] = []
    for (index, element) in elements(value).enumerated() {
      var process = DevelopmentProcess(name: "", command: [])
      for member in members(element, at: "[\(index)]") {
        let place = "[\(index)].\(member.key)"
        switch member.key {
        case "name":
          process.name = name(member.value, at: place) ?? ""
        case "command":
          process.command = elements(member.value, at: place).enumerated().compactMap {
            text($1, at: "\(place)[\($0)]")
          }
        default:
          refuse("unknown field; known here: name, command", at: place)
        }
      }
      if element["name"] == nil { refuse("the name is missing", at: "[\(index)]") }
      if process.command.isEmpty {
        refuse("the command is missing; write [PROGRAM, ARGUMENT, ...]", at: "[\(index)]")
      }
      if processes.contains(where: { $0.name == process.name && !$0.name.isEmpty }) {
        refuse("\(process.name) is on the list already", at: "[\(index)].name")
      }
      processes.append(process)
    }
    return mistakes.count == before ? processes : nil
  }
}

/// `host:port`, with brackets around an IPv6 address.
struct HostAndPort {
  let host: String
  let port: UInt16

  init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"),
      let port = UInt16(text[text.index(after: colon)...])
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    guard !host.isEmpty else { return nil }
    self.host = String(host)
    self.port = port
  }

  /// Whether only this machine can reach it.
  var isLoopback: Bool {
    host == "localhost" || host == "::1" || isIPv4Loopback
  }

  /// 127.0.0.0/8 (RFC 1122 section 3.2.1.3).
  private var isIPv4Loopback: Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}
