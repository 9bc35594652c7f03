/* Compiles as any module does, says its version, and has nothing to drive. Its license is set by the Makefile. */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/pci.h>

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(0x10de, PCI_ANY_ID), .class = PCI_CLASS_DISPLAY_3D << 8, .class_mask = ~0 },
	{ PCI_DEVICE(0x10de, PCI_ANY_ID), .class = PCI_CLASS_DISPLAY_VGA << 8, .class_mask = ~0 },
	{ }
};
MODULE_DEVICE_TABLE(pci, ids);

static int __init standin_init(void)
{
	return -ENODEV;
}
module_init(standin_init);

MODULE_LICENSE(STANDIN_LICENSE);
MODULE_VERSION(STANDIN_VERSION);
MODULE_DESCRIPTION("stand-in for tests");
