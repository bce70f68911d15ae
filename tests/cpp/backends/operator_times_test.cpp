#include "backends/onnx/operator_times.h"

#include <gtest/gtest.h>

namespace inferno {
namespace {

TEST(OperatorTimes, AddsUpKernelsByKind) {
  std::vector<OperatorTime> times;
  for (const std::string_view line : {
           R"({"cat" : "Node","pid" :1,"tid" :1,"dur" :1500,"ts" :7,"ph" : "X","name" :"/a_kernel_time","args" : {"op_name" : "MatMul"}},)",
           R"({"cat" : "Node","pid" :1,"tid" :1,"dur" :500,"ts" :9,"ph" : "X","name" :"/b_kernel_time","args" : {"op_name" : "MatMul"}},)",
           R"({"cat" : "Node","pid" :1,"tid" :1,"dur" :2,"ts" :9,"ph" : "X","name" :"/c_kernel_time","args" : {"op_name" : "Add"}},)",
       }) {
    add_operator_time(line, times);
  }
  ASSERT_EQ(times.size(), 2U);
  EXPECT_EQ(times[0].name, "MatMul");
  EXPECT_EQ(times[0].calls, 2U);
  EXPECT_DOUBLE_EQ(times[0].seconds, 0.002);
  EXPECT_EQ(times[1].calls, 1U);
}

TEST(OperatorTimes, LeavesOutWhatIsNoKernel) {
  std::vector<OperatorTime> times;
  for (const std::string_view line : {
           R"([)", R"(])", R"()",
           R"({"cat" : "Session","pid" :1,"tid" :1,"dur" :15092,"ts" :4,"ph" : "X","name" :"model_loading_uri","args" : {}},)",
           R"({"cat" : "Node","pid" :1,"tid" :1,"dur" :3,"ts" :9,"ph" : "X","name" :"/a_fence_before","args" : {"op_name" : "Add"}},)",
           R"({"cat" : "Node","pid" :1,"tid" :1,"dur" :x,"ts" :9,"ph" : "X","name" :"/a_kernel_time","args" : {"op_name" : "Add"}},)",
           R"({"cat" : "Node","pid" :1,"tid" :1,"dur" :3,"ts" :9,"ph" : "X","name" :"/a_kernel_time","args" : {}},)",
       }) {
    add_operator_time(line, times);
  }
  EXPECT_TRUE(times.empty());
}

}  // namespace
}  // namespace inferno
