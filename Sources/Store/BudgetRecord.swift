internal import JSON
public import Plan

/// A plan's budget as durable stores keep it: a JSON object, `{}` where there is none.
public enum BudgetRecord {
  public static func encode(_ budget: Budget?) -> [UInt8] {
    guard let budget else { return Array("{}".utf8) }
    var members: [JSONMember] = []
    func add(_ key: String, _ limit: Int64?) {
      if let limit { members.append(JSONMember(key, .integer(limit))) }
    }
    add("tokens", budget.tokens)
    add("soft_tokens", budget.softTokens)
    add("tasks", budget.tasks)
    add("soft_tasks", budget.softTasks)
    if budget.pausesAtSoft { members.append(JSONMember("pauses", .bool(true))) }
    return JSONValue.object(members).bytes
  }

  public static func decode(_ json: [UInt8]) throws(StoreError) -> Budget? {
    guard let value = try? JSONValue(parsing: json), case .object = value else {
      throw StoreError(.corrupt, "a stored budget is no JSON object")
    }
    var budget = Budget()
    budget.tokens = value["tokens"]?.integerValue
    budget.softTokens = value["soft_tokens"]?.integerValue
    budget.tasks = value["tasks"]?.integerValue
    budget.softTasks = value["soft_tasks"]?.integerValue
    budget.pausesAtSoft = value["pauses"] == .bool(true)
    return budget == Budget() ? nil : budget
  }
}

/// Usage as durable stores keep it where there seldom is any: JSON; nothing where there is none.
public enum UsageRecord {
  public static func encode(_ usage: Usage) -> [UInt8] {
    JSONValue.object([
      JSONMember("in", .integer(usage.inputTokens)),
      JSONMember("out", .integer(usage.outputTokens)),
      JSONMember("calls", .integer(usage.calls)), JSONMember("model", .string(usage.model)),
    ]).bytes
  }

  public static func decode(_ json: [UInt8]) throws(StoreError) -> Usage {
    var usage = Usage()
    guard !json.isEmpty else { return usage }
    guard let value = try? JSONValue(parsing: json), case .object = value else {
      throw StoreError(.corrupt, "stored usage is no JSON object")
    }
    usage.inputTokens = value["in"]?.integerValue ?? 0
    usage.outputTokens = value["out"]?.integerValue ?? 0
    usage.calls = value["calls"]?.integerValue ?? 0
    usage.model = value["model"]?.stringValue ?? ""
    return usage
  }
}
