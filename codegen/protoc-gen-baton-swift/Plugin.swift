import Foundation

/// `protoc-gen-baton-swift`: protoc runs it with a serialized `CodeGeneratorRequest` on standard
/// input and reads a `CodeGeneratorResponse` from its standard output.
///
/// Options (`--baton-swift_opt=`), separated by commas:
/// - `mode=messages` (default): value types, read from protobuf-c structs and written to the wire;
///   `mode=stubs`: gRPC clients and servers; `mode=docs`: one page of Markdown, `api.md`.
/// - `c_module=NAME`: the module with protoc-c's output. Default `CMessages`.
/// - `support=NAME`: the module with the support code, where it is another than that of the messages.
/// - `visibility=internal`: messages are not public; for those that live with tests.
/// - `views=no`: messages have no views.
/// - `messages_module=NAME`: the module with the messages of the stubs. Default `Messages`.
/// - `files_type=NAME`: the enum that lists the descriptors of the stubs. Default `ProtoFiles`.
@main
enum Plugin {
  static func main() throws {
    let input = try FileHandle.standardInput.readToEnd() ?? Data()
    let response = writeResponse(run([UInt8](input)))
    try FileHandle.standardOutput.write(contentsOf: Data(response))
  }

  static func run(_ input: [UInt8]) -> Result<[GeneratedFile], GenerationError> {
    Result { () throws(GenerationError) in
      let request = try readRequest(input)
      let options = try Options(request.parameter)
      let schema = try Schema(request.files)
      switch options.mode {
      case .messages: return try MessagesGenerator(schema: schema, options: options).files()
      case .stubs: return try StubsGenerator(schema: schema, options: options).files()
      case .docs: return [DocsGenerator(schema: schema).file()]
      }
    }
  }
}

/// The plugin's parameter, parsed.
struct Options {
  enum Mode: String {
    case messages, stubs, docs
  }

  var mode = Mode.messages
  var cModule = "CMessages"
  var supportModule: String?
  var isPublic = true
  var hasViews = true
  var messagesModule = "Messages"
  var filesType = "ProtoFiles"

  init(_ parameter: String) throws(GenerationError) {
    for option in parameter.split(separator: ",") {
      let parts = option.split(separator: "=", maxSplits: 1).map(String.init)
      switch (parts[0], parts.count == 2 ? parts[1] : "") {
      case ("mode", let value):
        guard let mode = Mode(rawValue: value) else {
          throw GenerationError(
            message: "mode=\(value): the modes are messages, stubs and docs")
        }
        self.mode = mode
      case ("c_module", let value) where !value.isEmpty: cModule = value
      case ("support", let value) where !value.isEmpty: supportModule = value
      case ("visibility", "public"): isPublic = true
      case ("visibility", "internal"): isPublic = false
      case ("views", "no"): hasViews = false
      case ("messages_module", let value) where !value.isEmpty: messagesModule = value
      case ("files_type", let value) where !value.isEmpty: filesType = value
      default:
        throw GenerationError(
          message: "option \(option): the options are mode=, c_module=, support=, "
            + "visibility=public or internal, views=no, messages_module= and files_type=")
      }
    }
  }
}
