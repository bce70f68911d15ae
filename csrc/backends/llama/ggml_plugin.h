// The interface by which ggml takes in a backend from outside (version 2), as far as a device needs it that computes single
// operations on the processor. ggml-backend.h declares these types without saying what is in them. Each struct is
// a table of functions in a fixed order, null where there is nothing; what Inferno leaves null is declared as void*.
// ggml_plugin_fits() must be asked before anything of this is handed to ggml.
#pragma once

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>

struct ggml_backend_i {
  const char* (*get_name)(ggml_backend_t);
  void (*free)(ggml_backend_t);
  void* transfers[5];     // set, get, their strided forms, copy: asynchronous ones
  void* synchronize;
  void* plans[4];         // create, free, update, compute
  ggml_status (*graph_compute)(ggml_backend_t, ggml_cgraph*);
  void* events[2];        // record, wait
  void* graph_optimize;
};

struct ggml_backend {
  ggml_guid_t guid;
  ggml_backend_i iface;
  ggml_backend_dev_t device;
  void* context;
};

struct ggml_backend_buffer_type_i {
  const char* (*get_name)(ggml_backend_buffer_type_t);
  ggml_backend_buffer_t (*alloc_buffer)(ggml_backend_buffer_type_t, size_t size);
  size_t (*get_alignment)(ggml_backend_buffer_type_t);
  void* sizes[2];         // the largest buffer, what a tensor takes
  bool (*is_host)(ggml_backend_buffer_type_t);
};

struct ggml_backend_buffer_type {
  ggml_backend_buffer_type_i iface;
  ggml_backend_dev_t device;
  void* context;
};

struct ggml_backend_device_i {
  const char* (*get_name)(ggml_backend_dev_t);
  const char* (*get_description)(ggml_backend_dev_t);
  void (*get_memory)(ggml_backend_dev_t, size_t* free, size_t* total);
  enum ggml_backend_dev_type (*get_type)(ggml_backend_dev_t);
  void (*get_props)(ggml_backend_dev_t, ggml_backend_dev_props*);
  ggml_backend_t (*init_backend)(ggml_backend_dev_t, const char* params);
  ggml_backend_buffer_type_t (*get_buffer_type)(ggml_backend_dev_t);
  void* get_host_buffer_type;
  ggml_backend_buffer_t (*buffer_from_host_ptr)(ggml_backend_dev_t, void* at, size_t size, size_t max_tensor_size);
  bool (*supports_op)(ggml_backend_dev_t, const ggml_tensor*);
  bool (*supports_buft)(ggml_backend_dev_t, ggml_backend_buffer_type_t);
  void* offload_op;
  void* events[3];        // new, free, synchronize
};

struct ggml_backend_device {
  ggml_backend_device_i iface;
  ggml_backend_reg_t reg;
  void* context;
};

struct ggml_backend_reg_i {
  const char* (*get_name)(ggml_backend_reg_t);
  size_t (*get_device_count)(ggml_backend_reg_t);
  ggml_backend_dev_t (*get_device)(ggml_backend_reg_t, size_t index);
  void* (*get_proc_address)(ggml_backend_reg_t, const char* name);
};

struct ggml_backend_reg {
  int api_version;
  ggml_backend_reg_i iface;
  void* context;
};

namespace inferno {

inline constexpr int kGgmlPluginVersion = 2;

// Whether the ggml in this process has the interface that is declared here: its own backends say which one they follow.
[[nodiscard]] inline bool ggml_plugin_fits() {
  const ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  return cpu != nullptr && ggml_backend_dev_backend_reg(cpu)->api_version == kGgmlPluginVersion;
}

}  // namespace inferno
