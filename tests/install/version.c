/* Built against an installed library: shows that header, library and search paths fit together. */
#include <ftreview.h>
#include <stdio.h>

int main(void)
{
    printf("%s\n", ftr_version());
    return ftr_abi_version() >= FTR_ABI_VERSION ? 0 : 1;
}
