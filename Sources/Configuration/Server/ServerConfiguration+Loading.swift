internal import Foundation
internal import JSON

extension ServerConfiguration {
  /// Where settings come from; a later one overrides the one before it.
  public struct Sources: Sendable {
    /// Path of the file; nil: BATON_CONFIG, then `baton.yaml` where it exists.
    public var file: String?
    /// The process's environment; names that are no setting's are not looked at.
    public var environment: [String: String]
    /// By the flag's name without dashes: `retry-max-attempts`.
    public var flags: [String: String]

    public init(
      file: String? = nil, environment: [String: String] = [:], flags: [String: String] = [:]
    ) {
      self.file = file
      self.environment = environment
      self.flags = flags
    }
  }

  /// Reads the file, then the variables, then the flags, over what `base` says. Throws everything
  /// that is wrong in any of them.
  public init(
    _ sources: Sources, startingFrom base: ServerConfiguration = ServerConfiguration()
  ) throws(ConfigurationProblems) {
    self = base
    var loader = SettingsLoader()
    if let path = sources.file ?? sources.environment["BATON_CONFIG"] {
      loader.readFile(path, mustExist: true, into: &self)
    } else {
      loader.readFile("baton.yaml", mustExist: false, into: &self)
    }
    loader.read(sources.environment, into: &self)
    loader.read(flags: sources.flags, into: &self)
    loader.checkReach(self)
    loader.checkCertificates(tls)
    guard loader.problems.isEmpty else { throw ConfigurationProblems(loader.problems) }
  }

  /// Names of all variables and flags, with help for people.
  public static var settingNames: [(variable: String, flag: String, help: String)] {
    ServerSettings.all.map { ($0.variable, $0.flag, $0.help) }
  }
}

/// Everything that is wrong with a configuration.
public struct ConfigurationProblems: Error, Sendable, Equatable, CustomStringConvertible {
  /// One for each line, `baton.yaml:7: lease: …` or `BATON_LEASE: …` or `--lease: …`.
  public var problems: [String]

  public init(_ problems: [String]) { self.problems = problems }

  public var description: String { problems.joined(separator: "\n") }
}

/// Applies settings from one source after the other.
private struct SettingsLoader {
  var problems: [String] = []
  /// Where the address to listen on was set.
  private var listenOrigin = "listen"

  mutating func readFile(
    _ path: String, mustExist: Bool, into configuration: inout ServerConfiguration
  ) {
    let exists = FileManager.default.fileExists(atPath: path)
    guard exists || mustExist else { return }
    let text: String
    do {
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      let why = exists ? "cannot be read as UTF-8 text" : "there is no such file"
      problems.append("\(path): \(why)")
      return
    }
    do throws(SourceError) {
      read(try SourceDocument(text: text, name: path), into: &configuration)
    } catch {
      problems.append(error.description)
    }
  }

  mutating func read(
    _ document: SourceDocument, into configuration: inout ServerConfiguration
  ) {
    guard case .object = document.value else {
      if document.value != .null {
        problems.append(
          "\(document.place(of: "")): expected settings, not \(document.value.kindName)")
      }
      return
    }
    refuseUnknown(document)
    for setting in ServerSettings.all {
      var value: JSONValue? = document.value
      for key in setting.path.split(separator: ".") { value = value?[String(key)] }
      guard let value, value != .null else { continue }
      apply(setting, value, to: &configuration) { place in
        "\(document.place(of: setting.path + place)): \(setting.path + place)"
      }
    }
  }

  private mutating func refuseUnknown(_ document: SourceDocument) {
    guard case .object(let members) = document.value else { return }
    let known = Self.words(below: "")
    for member in members {
      guard known.contains(member.key) else {
        refuseField(member.key, known, document)
        continue
      }
      let inner = Self.words(below: member.key + ".")
      guard !inner.isEmpty, member.value != .null else { continue }
      guard case .object(let fields) = member.value else {
        problems.append(
          "\(document.place(of: member.key)): \(member.key): expected a mapping of "
            + "\(inner.joined(separator: ", ")), not \(member.value.kindName)")
        continue
      }
      for field in fields where !inner.contains(field.key) {
        refuseField("\(member.key).\(field.key)", inner, document)
      }
    }
  }

  private mutating func refuseField(_ path: String, _ known: [String], _ document: SourceDocument) {
    let message =
      ServerSettings.later[path] ?? "unknown field; known here: \(known.joined(separator: ", "))"
    problems.append("\(document.place(of: path)): \(path): \(message)")
  }

  /// The next words of all settings whose path starts with `prefix`, in the file's order.
  private static func words(below prefix: String) -> [String] {
    var words: [String] = []
    for setting in ServerSettings.all where setting.path.hasPrefix(prefix) {
      let word = setting.path.dropFirst(prefix.count).prefix { $0 != "." }
      if !words.contains(String(word)) { words.append(String(word)) }
    }
    return words
  }

  mutating func read(
    _ environment: [String: String], into configuration: inout ServerConfiguration
  ) {
    for setting in ServerSettings.all {
      guard let text = environment[setting.variable], !text.isEmpty else { continue }
      read(text, setting, into: &configuration, from: setting.variable)
    }
  }

  mutating func read(flags: [String: String], into configuration: inout ServerConfiguration) {
    for setting in ServerSettings.all {
      guard let text = flags[setting.flag] else { continue }
      read(text, setting, into: &configuration, from: "--\(setting.flag)")
    }
  }

  private mutating func read(
    _ text: String, _ setting: Setting, into configuration: inout ServerConfiguration,
    from origin: String
  ) {
    if setting.isScalar {
      apply(setting, .string(text), to: &configuration) { "\(origin)\($0)" }
      return
    }
    do throws(SourceError) {
      let value = try SourceDocument(text: text, name: origin).value
      apply(setting, value, to: &configuration) { "\(origin)\($0)" }
    } catch {
      problems.append("\(origin): \(error.message); write \(setting.help)")
    }
  }

  private mutating func apply(
    _ setting: Setting, _ value: JSONValue, to configuration: inout ServerConfiguration,
    origin: (String) -> String
  ) {
    var reader = SettingReader()
    setting.read(value, &configuration, &reader)
    if setting.path == "listen" { listenOrigin = origin("") }
    problems += reader.mistakes.map { "\(origin($0.place)): \($0.message)" }
  }

  /// Without TLS whoever reaches the port can read and change everything.
  mutating func checkReach(_ configuration: ServerConfiguration) {
    guard !configuration.insecure, configuration.tls.certificate == nil,
      let address = HostAndPort(configuration.listen),
      !address.isLoopback
    else { return }
    problems.append(
      "\(listenOrigin): other machines can reach \(address.host), and without TLS they can read and "
        + "change everything; set `tls.certificate` and `tls.key`, listen on 127.0.0.1, or set "
        + "`insecure: true` where the network is trusted")
  }

  mutating func checkCertificates(_ tls: TLSSettings) {
    if tls.certificate != nil, tls.key == nil {
      problems.append("tls.key: missing; tls.certificate is given")
    }
    if tls.key != nil, tls.certificate == nil {
      problems.append("tls.certificate: missing; tls.key is given")
    }
    if tls.clientCA != nil, tls.certificate == nil {
      problems.append("tls.certificate: missing; without it clients are not asked for theirs")
    }
  }
}
