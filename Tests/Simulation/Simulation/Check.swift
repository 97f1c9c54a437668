/// What is checked, in words that stand in reports.
public enum Check: String, CaseIterable, Sendable {
  // At every commit.
  case sequence = "revisions and seq have no gap"
  case transitions = "only legal transitions"
  case terminal = "terminal is final"
  case dependencies = "no task before its dependencies"
  case stopped = "nothing is handed out after pause or cancel was answered"
  case attempts = "attempts and deliveries are within policy"
  case tokens = "tokens rise strictly"
  case acceptance = "at most one result per attempt is accepted"
  case given = "what is accepted was given by an adapter"
  case limits = "limits hold"
  case timers = "no timer is early"
  case conditions = "a condition decides as what is stored says"
  case schemas = "what does not fit its schema is tried again, told why (S5)"
  case retries = "RetryPlan keeps what ended well, and gives the rest a fresh allowance"
  case deadlines = "a plan has the deadline that was asked for, and no run more time"
  case withdrawal = "a server that stops poisons nobody (S11)"
  case redelivery = "a new delivery has a cause (P1, P3, P4, P6)"
  case ownership = "a store refuses nothing to a single owner"
  // At every message.
  case recorded = "recorded before sent, and sent as recorded (S3, P1)"
  case payload = "a payload is what its references lead to"
  case cancels = "only what is over is cancelled (P5, P12)"
  case forgets = "only what is over is forgotten (P8)"
  // At every answer.
  case acknowledged = "no acknowledged plan is lost"
  case requestKeys = "a request key makes one plan"
  case durable = "what is answered is durable (S2)"
  case verdicts = "results are judged as the contract says (S4)"
  case decisions = "an approval is people's, and the first decision stands"
  case updates = "UpdatePlan changes what it was asked to"
  case readers = "every reader sees the same events"
  // After every turn, and at the end.
  case books = "the orchestrator's books agree"
  case stored = "the store holds what was committed"
  case oracle = "the end is the one that the scripts lead to"
  case liveness = "everything ends once faults stop"

  var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
