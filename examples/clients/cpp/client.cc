// Calls Baton from C++: submits a plan, follows it, cancels one, reads refusals.
//
// usage: client HOST:PORT

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "baton/v1/orchestrator.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace api = baton::v1;
using Stub = api::Orchestrator::Stub;

// Every call has a deadline: without one it may wait for ever.
void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
}

// Runs a unary call; its status is for the caller to look at.
template <typename Request, typename Response>
grpc::Status Call(Stub& orchestrator,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Request& request, Response& response) {
  grpc::ClientContext context;
  SetDeadline(context);
  return (orchestrator.*method)(&context, request, &response);
}

// The code, and from google.rpc.ErrorInfo the stable reason and what it is about.
void ShowRefusal(const grpc::Status& error, const std::string& about) {
  // Their order is that of the codes' numbers.
  static const char* const kNames[] = {
      "OK",
      "CANCELLED",
      "UNKNOWN",
      "INVALID_ARGUMENT",
      "DEADLINE_EXCEEDED",
      "NOT_FOUND",
      "ALREADY_EXISTS",
      "PERMISSION_DENIED",
      "RESOURCE_EXHAUSTED",
      "FAILED_PRECONDITION",
      "ABORTED",
      "OUT_OF_RANGE",
      "UNIMPLEMENTED",
      "INTERNAL",
      "UNAVAILABLE",
      "DATA_LOSS",
      "UNAUTHENTICATED",
  };
  std::cout << "refused: " << kNames[error.error_code()];
  google::rpc::Status status;
  google::rpc::ErrorInfo info;
  if (status.ParseFromString(error.error_details())) {
    for (const auto& detail : status.details()) {
      if (!detail.UnpackTo(&info)) continue;
      std::cout << " " << info.reason() << " " << (*info.mutable_metadata())[about];
      break;
    }
  }
  std::cout << std::endl;
}

// Ends the program where a call fails that should not.
void Check(const grpc::Status& status) {
  if (status.ok()) return;
  std::cerr << "client: " << status.error_message() << std::endl;
  std::exit(1);
}

api::Task* AddTask(api::Plan& plan, const std::string& id, const std::string& payload,
                   const std::vector<std::string>& depends_on = {}) {
  auto* task = plan.add_tasks();
  task->set_id(id);
  task->set_type("prompt");
  task->set_payload_json(payload);
  for (const auto& other : depends_on) task->add_depends_on(other);
  return task;
}

// Two tasks; the second one reads what the first one wrote.
api::Plan Note() {
  api::Plan plan;
  plan.set_name("note");
  AddTask(plan, "draft", R"({"prompt": "Write a note about tea."})");
  AddTask(plan, "review", R"({"prompt": "Shorten: ${{ tasks.draft.output.text }}"})", {"draft"});
  return plan;
}

// A task that the mock adapter runs until it is cancelled.
api::Plan Endless() {
  api::Plan plan;
  plan.set_name("endless");
  auto* task = AddTask(plan, "wait", R"({"prompt": "Wait."})");
  (*task->mutable_metadata())["mock.hang"] = "true";
  return plan;
}

// Two tasks that wait for each other.
api::Plan Circle() {
  api::Plan plan;
  plan.set_name("circle");
  AddTask(plan, "a", R"({"prompt": "A"})", {"b"});
  AddTask(plan, "b", R"({"prompt": "B"})", {"a"});
  return plan;
}

void ShowEvent(const api::PlanEvent& event) {
  std::cout << event.seq() << " " << event.kind() << " "
            << (event.task_id().empty() ? "-" : event.task_id()) << std::endl;
}

std::string Submit(Stub& orchestrator) {
  // With a key of our own a submission can be repeated, whatever became of the first one.
  std::random_device random;
  api::SubmitPlanRequest request;
  *request.mutable_plan() = Note();
  request.set_request_key("cpp-" + std::to_string(random()) + "-" + std::to_string(random()));
  api::SubmitPlanResponse first, second;
  Check(Call(orchestrator, &Stub::SubmitPlan, request, first));
  std::cout << "submitted: created " << std::boolalpha << first.created() << std::endl;
  Check(Call(orchestrator, &Stub::SubmitPlan, request, second));
  std::cout << "again: created " << second.created() << " same "
            << (second.plan_id() == first.plan_id()) << std::endl;
  request.mutable_plan()->set_name("another");
  ShowRefusal(Call(orchestrator, &Stub::SubmitPlan, request, second), "namespace");
  return first.plan_id();
}

// Every event from the first one on; the stream ends with the plan.
void Follow(Stub& orchestrator, const std::string& plan_id) {
  api::StreamPlanEventsRequest following;
  following.set_plan_id(plan_id);
  grpc::ClientContext context;
  SetDeadline(context);
  auto events = orchestrator.StreamPlanEvents(&context, following);
  api::StreamPlanEventsResponse item;
  while (events->Read(&item)) ShowEvent(item.event());
  Check(events->Finish());

  api::GetPlanRequest request;
  request.set_plan_id(plan_id);
  request.set_view(api::PLAN_VIEW_FULL);
  api::GetPlanResponse response;
  Check(Call(orchestrator, &Stub::GetPlan, request, response));
  std::cout << "plan: " << api::PlanStatus_Name(response.state().status()) << std::endl;
  for (const auto& task : response.state().tasks()) {
    std::cout << "task: " << task.id() << " " << api::TaskStatus_Name(task.status()) << " "
              << task.output_json() << std::endl;
  }
}

// Cancelling the call ends the watching, not the plan.
void StopWatching(Stub& orchestrator, const api::StreamPlanEventsRequest& following) {
  grpc::ClientContext context;
  SetDeadline(context);
  auto events = orchestrator.StreamPlanEvents(&context, following);
  api::StreamPlanEventsResponse item;
  if (events->Read(&item)) ShowEvent(item.event());
  context.TryCancel();
  while (events->Read(&item)) {
  }
  const bool cancelled = events->Finish().error_code() == grpc::StatusCode::CANCELLED;
  std::cout << "stopped watching: " << (cancelled ? "CANCELLED" : "?") << std::endl;
}

void Cancel(Stub& orchestrator) {
  api::SubmitPlanRequest request;
  *request.mutable_plan() = Endless();
  api::SubmitPlanResponse submitted;
  Check(Call(orchestrator, &Stub::SubmitPlan, request, submitted));
  api::StreamPlanEventsRequest following;
  following.set_plan_id(submitted.plan_id());
  StopWatching(orchestrator, following);

  grpc::ClientContext context;
  SetDeadline(context);
  auto events = orchestrator.StreamPlanEvents(&context, following);
  api::StreamPlanEventsResponse item;
  while (events->Read(&item)) {
    ShowEvent(item.event());
    if (item.event().kind() != "task_running") continue;
    api::CancelPlanRequest ending;
    ending.set_plan_id(submitted.plan_id());
    ending.set_reason("no longer needed");
    api::CancelPlanResponse ended;
    Check(Call(orchestrator, &Stub::CancelPlan, ending, ended));
    std::cout << "cancelled: " << api::PlanStatus_Name(ended.state().status()) << std::endl;
  }
  Check(events->Finish());
}

void Refusals(Stub& orchestrator) {
  api::SubmitPlanRequest wrong;
  *wrong.mutable_plan() = Circle();
  api::SubmitPlanResponse submitted;
  ShowRefusal(Call(orchestrator, &Stub::SubmitPlan, wrong, submitted), "field");
  api::GetPlanRequest unknown;
  unknown.set_plan_id("01890000-0000-7000-8000-000000000000");
  api::GetPlanResponse found;
  ShowRefusal(Call(orchestrator, &Stub::GetPlan, unknown, found), "plan_id");
}

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: client HOST:PORT" << std::endl;
    return 64;
  }
  auto stub =
      api::Orchestrator::NewStub(grpc::CreateChannel(argv[1], grpc::InsecureChannelCredentials()));
  api::GetServerInfoResponse info;
  Check(Call(*stub, &Stub::GetServerInfo, api::GetServerInfoRequest(), info));
  std::cout << "server: max_tasks " << info.limits().at("max_tasks") << std::endl;
  Follow(*stub, Submit(*stub));
  Cancel(*stub);
  Refusals(*stub);
}
