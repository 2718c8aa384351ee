// Before the system's Vulkan headers (Debian 12 has 1.3.239): the engine names VK_EXT_layer_settings without asking whether
// the headers know it, which came with version 272. It only passes these on to a validation layer, when it is compiled with
// one, so here they need to exist and nothing else. `./dev vulkan` puts this folder first where the headers are too old.
#pragma once
#include_next <vulkan/vulkan.hpp>

#if VK_HEADER_VERSION < 272
#include <cstdint>
#include <vector>

namespace vk {

enum class LayerSettingTypeEXT : std::int32_t { eBool32, eInt32, eInt64, eUint32, eUint64, eFloat32, eFloat64, eString };

struct LayerSettingEXT {
    const char *pLayerName;
    const char *pSettingName;
    LayerSettingTypeEXT type;
    std::uint32_t valueCount;
    const void *pValues;
};

// The start of each structure that is chained to another: its number in the registry, and the next one.
struct LayerSettingsCreateInfoEXT {
    VkStructureType sType = static_cast<VkStructureType>(1000496000);
    const void *pNext = nullptr;
    std::uint32_t settingCount;
    const LayerSettingEXT *pSettings;

    explicit LayerSettingsCreateInfoEXT(const std::vector<LayerSettingEXT> &settings)
        : settingCount(static_cast<std::uint32_t>(settings.size())), pSettings(settings.data()) {}
};

}  // namespace vk
#endif
