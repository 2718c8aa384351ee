/* The system's own header; see vulkan.hpp beside this. */
#include_next <vulkan/vulkan.h>
