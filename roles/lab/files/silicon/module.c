/*
 * A module file that says what it is and holds no code: for leftovers of somebody else's installer and for packages of the
 * stand-in distributions. The places of version, license and kernel are filled in by lab_host/stand_in.py; nothing ever loads it.
 */
#define INFO(name, text) static const char name[] __attribute__((section(".modinfo"), used, aligned(1))) = text
#define PLACE "################################################################"

INFO(m_name, "name=nvidia");
INFO(m_version, "version=V" PLACE);
INFO(m_license, "license=L" PLACE);
INFO(m_vermagic, "vermagic=K" PLACE " SMP preempt mod_unload modversions ");
INFO(m_3d, "alias=pci:v000010DEd*sv*sd*bc03sc02i00*");
INFO(m_vga, "alias=pci:v000010DEd*sv*sd*bc03sc00i00*");
